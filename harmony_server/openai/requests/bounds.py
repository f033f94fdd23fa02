"""The limits of a request body. A body is also bounded by its size, which the caller checks."""

from typing import Final

# Names that appear in errors, with what they count.

# Sequences of one answer.
MAX_CHOICES: Final = 128
MAX_STOP_STRINGS: Final = 16
MAX_STOP_STRING_BYTES: Final = 256
MAX_TOP_LOGPROBS: Final = 20
# Tools of one request, those in namespaces included.
MAX_TOOLS: Final = 1024
# A tool's name, a namespace's name and the name of a response format.
MAX_NAME_CHARACTERS: Final = 128
# Messages of one prompt: with four tokens each they fill the context of the gpt-oss models.
MAX_PROMPT_MESSAGES: Final = 32_768
# Reasoning unpacked from one `encrypted_content`, and from all of a request: it packs by up to a
# factor of a thousand.
MAX_UNPACKED_BYTES: Final = 1024 * 1024
MAX_TOTAL_UNPACKED_BYTES: Final = 4 * 1024 * 1024

# Further notices are counted in a last one.
MAX_NOTICES: Final = 256
# Longer names of members that no API has are left out of places.
MAX_PLACE_NAME_CHARACTERS: Final = 64
