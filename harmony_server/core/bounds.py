"""The core's fixed bounds. Sizes that are part of the format are defined with the format."""

# Headers

# Far above what a role, a recipient, a channel and a content type need.
DEFAULT_MAX_HEADER_TOKENS = 4096
# Models write a handful of headers again and again; longer ones are rarely the same.
# At worst, with 128 wide characters for each token, they take 9 MiB.
MAX_REMEMBERED_HEADERS = 512
MAX_REMEMBERED_HEADER_TOKENS = 32
# In recover mode: the tokens with which headers begin, and what headers are read with.
MAX_REMEMBERED_BEGINNINGS = 4096
MAX_REMEMBERED_CONTEXTS = 1024

# Repairs

# A header is searched for text at each of its first tokens; later whenever it has grown by a
# quarter, which keeps the time linear. The same holds for words that may be a header.
SEARCHED_HEADER_TOKENS = 16
HEADER_GROWTH = 1.25
# Tokens may have 128 characters each, and words in every gap between the fields take far less.
MAX_HEADER_CHARACTERS = 4096
# Words and markers of a header, and how many words may still be fields if it calls nothing: every
# further one makes each search longer.
MAX_HEADER_WORDS = 256
MAX_HEADER_MARKERS = 16
MAX_UNDECIDED_WORDS = 16
# Words in a text that may each be a field, but not all of one header.
MAX_LOOSE_WORDS = 4
# Words in a text that may still turn out to be a header are held back up to this many tokens.
MAX_HELD_TOKENS = 32
# Behind the recipient of a call, in case of many words that are no field.
MAX_HELD_CALL_TOKENS = 256
# How many recipients of calls are remembered, to recognise the results of these tools.
MAX_REMEMBERED_RECIPIENTS = 1024

# Work at once

# At worst, the events of this many malformed tokens take about 20 MiB.
MAX_PARSED_TOKENS_AT_ONCE = 32_768
# Other threads run between the parts of a long text: making its tokens holds the interpreter.
MAX_ENCODED_CHARACTERS_AT_ONCE = 32_768
# `json` holds up other threads, for at most about a millisecond with so much text.
MAX_JSON_PARTS_AT_ONCE = 4096
MAX_JSON_CHARACTERS_AT_ONCE = 16_384

# Remembered renderings

# About 400,000 tokens of rendered messages.
RENDER_CACHE_BYTES = 16 * 1024 * 1024
# A larger message would push out too many others.
MAX_SHARE_OF_RENDER_CACHE = 1 / 4
# Types of tools, of which those of longer schemas are rarely needed again.
REMEMBERED_TOOL_TYPES_BYTES = 4 * 1024 * 1024
MAX_REMEMBERED_TOOL_CHARACTERS = 4096
# A program disallows few different sets of texts.
MAX_REMEMBERED_PATTERNS = 8

# JSON

# Nesting of a tool's parameters: as deep as the reference renders in a lone message.
MAX_JSON_DEPTH = 120
# Of a type that the parameters of a tool become. A level of nesting indents by three characters,
# so that a few bytes can become hundreds.
MAX_TYPE_CHARACTERS = 1024 * 1024

# Sampling constraints

DEFAULT_MAX_CONSTRAINT_BYTES = 4 * 1024 * 1024
# Parts of JSON Schemas, over all tools of a conversation: far more than a prompt has room for.
MAX_SCHEMA_NODES = 100_000
# llama.cpp refuses repetitions whose product reaches 2,000.
MAX_MESSAGES_BEFORE_LAST = 256
MAX_JSON_WHITESPACE = 256
# Each character of a string with a bound, and each item of an array with one, takes a rule.
MAX_ENFORCED_LENGTH = 64
