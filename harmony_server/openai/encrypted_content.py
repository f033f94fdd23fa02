"""`encrypted_content` of reasoning items: packed text, not encryption.

Clients that drop the text of a reasoning item keep this, and send it back.
"""

import base64
import binascii
import zlib
from typing import Final

_PREFIX: Final = "hs1."
# Four times as fast as the default, and hardly larger.
_LEVEL: Final = 3


def pack_reasoning(text: str) -> str:
    """Returns the text as `hs1.` and its deflated bytes in URL-safe Base64."""
    return _PREFIX + base64.urlsafe_b64encode(zlib.compress(text.encode(), _LEVEL)).decode()


def unpack_reasoning(content: str, max_bytes: int) -> str | None:
    """Returns the reasoning, or None where the content is not ours, damaged or too large.

    Args:
        content: What `pack_reasoning` returned, or anything else: a client sends it.
        max_bytes: The most bytes that it may unpack to.
    """
    if not content.startswith(_PREFIX):
        return None
    packed = content.removeprefix(_PREFIX)
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        text = inflater.decompress(data, max_bytes + 1)
        is_whole = inflater.eof and not inflater.unused_data
        return text.decode() if is_whole and len(text) <= max_bytes else None
    except (binascii.Error, zlib.error, ValueError):
        return None
