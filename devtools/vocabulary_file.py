"""The packaged vocabulary, as a file of tiktoken's."""

import base64

from harmony_server.core import vocabulary


def in_tiktoken_format() -> bytes:
    """Returns the content of `o200k_base.tiktoken`, made from the packed vocabulary."""
    return b"".join(
        b"%s %d\n" % (base64.b64encode(token), rank)
        for rank, token in enumerate(vocabulary.token_bytes())
    )
