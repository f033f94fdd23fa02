"""`encrypted_content` of reasoning items: packed text, not encryption."""

import base64
import binascii
import zlib
from typing import Final

from .bounds import MAX_UNPACKED_BYTES

PREFIX: Final = "hs1."


def unpack_reasoning(content: str) -> str | None:
    """Returns the reasoning, or None where the content is not ours, damaged or too large.

    The content is a client's and not to be trusted: it unpacks to MAX_UNPACKED_BYTES.
    """
    if not content.startswith(PREFIX):
        return None
    packed = content.removeprefix(PREFIX)
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        text = inflater.decompress(data, MAX_UNPACKED_BYTES + 1)
        is_whole = inflater.eof and not inflater.unused_data
        return text.decode() if is_whole and len(text) <= MAX_UNPACKED_BYTES else None
    except (binascii.Error, zlib.error, ValueError):
        return None
