"""The core's fixed bounds. Sizes that are part of the format are defined with the format."""

# Headers

# Far above what a role, a recipient, a channel and a content type need.
DEFAULT_MAX_HEADER_TOKENS = 4096
# Models write a handful of headers again and again; longer ones are rarely the same.
MAX_REMEMBERED_HEADERS = 1024
MAX_REMEMBERED_HEADER_TOKENS = 32

# Repairs

# A header is searched for text at each of its first tokens; later whenever it has grown by a
# quarter, which keeps the time linear.
SEARCHED_HEADER_TOKENS = 32
HEADER_GROWTH = 1.25
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
# The engine of the tokenizer's pattern panics when it looks back over a million blanks.
MAX_BLANKS_AT_ONCE = 500_000

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
