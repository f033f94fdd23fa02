"""The vocabulary in the format of tiktoken's files."""

import base64

from harmony_server.core import vocabulary


def in_tiktoken_format() -> bytes:
    """Returns our packed vocabulary as the official file has it."""
    return b"".join(
        b"%s %d\n" % (base64.b64encode(token), rank)
        for rank, token in enumerate(vocabulary.token_bytes())
    )
