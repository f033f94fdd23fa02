"""Packs `o200k_base.tiktoken` into the compressed file that the package contains.

python scripts/pack_vocabulary.py PATH/TO/o200k_base.tiktoken
"""

import pathlib
import sys
import zlib

from harmony_server.core import vocabulary


def main() -> None:
    """Writes the packed file to where the package reads it."""
    tokens = vocabulary.read_tiktoken_file(pathlib.Path(sys.argv[1]))
    raw = bytes(map(len, tokens)) + b"".join(tokens)
    vocabulary.PACKED_PATH.write_bytes(zlib.compress(raw, 9))
    print(f"wrote {vocabulary.PACKED_PATH}, {len(tokens)} tokens")


if __name__ == "__main__":
    main()
