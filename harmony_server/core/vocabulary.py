"""The bytes of every ordinary token: `o200k_base`, which ships in the package.

The packed file is deflated: first one byte per token for its length, then the bytes of the tokens,
both in rank order. `scripts/pack_vocabulary.py` writes it.
"""

import base64
import hashlib
import itertools
import os
import pathlib
import zlib

from .errors import HarmonyError

TOKEN_COUNT = 199_998
# Of the file in tiktoken's format, which has one `base64 rank` per line.
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
# The folder of a FILE_NAME to use instead of the packed vocabulary.
DIRECTORY_VARIABLE = "TIKTOKEN_ENCODINGS_BASE"
FILE_NAME = "o200k_base.tiktoken"
PACKED_PATH = pathlib.Path(__file__).parent / "data" / "o200k_base.zlib"

# Of the inflated file: cheaper to check at every start than SHA256, which needs base64.
_UNPACKED_SHA256 = "440741350e7cfa1c0f4869ce742d1b043550adbda5187adcac9e787edac6fba9"


def token_bytes() -> list[bytes]:
    """Returns the bytes of every ordinary token; the index is the token id.

    Reads the packed vocabulary, or the folder in TIKTOKEN_ENCODINGS_BASE if that is set.

    Raises:
        HarmonyError: The file is missing or is not the `o200k_base` vocabulary.
    """
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if directory:
        return read_tiktoken_file(pathlib.Path(directory) / FILE_NAME)
    return _read_packed_file(PACKED_PATH)


def read_tiktoken_file(path: pathlib.Path) -> list[bytes]:
    """Reads a vocabulary in tiktoken's format and checks it against SHA256.

    Raises:
        HarmonyError: The file is missing or is not the `o200k_base` vocabulary.
    """
    data = _read(path)
    _check(data, SHA256, path)
    return [base64.b64decode(line.split(maxsplit=1)[0]) for line in data.splitlines()]


def _read_packed_file(path: pathlib.Path) -> list[bytes]:
    try:
        raw = zlib.decompress(_read(path))
    except zlib.error as error:
        raise HarmonyError(f"vocabulary {path} is damaged: {error}") from error
    _check(raw, _UNPACKED_SHA256, path)
    ends = itertools.accumulate(raw[:TOKEN_COUNT], initial=TOKEN_COUNT)
    return [raw[begin:end] for begin, end in itertools.pairwise(ends)]


def _read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HarmonyError(f"cannot read vocabulary {path}: {error.strerror}") from error


def _check(data: bytes, expected: str, path: pathlib.Path) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise HarmonyError(
            f"vocabulary {path} is not o200k_base: SHA-256 is {actual}, expected {expected}"
        )
