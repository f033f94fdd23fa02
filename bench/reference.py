"""The reference library, loaded from our own vocabulary, without network access."""

import contextlib
import functools
import os
import pathlib
import tempfile
from collections.abc import Iterator

import openai_harmony  # type: ignore[import-untyped]  # has no types

from devtools.vocabulary_file import in_tiktoken_format
from harmony_server.core import vocabulary

__all__ = ["encoding", "openai_harmony", "vocabulary_folder"]


@functools.cache
def encoding() -> "openai_harmony.HarmonyEncoding":
    """Returns the reference's encoding, loaded on the first call."""
    with vocabulary_folder() as folder:
        os.environ[vocabulary.DIRECTORY_VARIABLE] = folder
        try:
            return openai_harmony.load_harmony_encoding("HarmonyGptOss")
        finally:
            del os.environ[vocabulary.DIRECTORY_VARIABLE]


@contextlib.contextmanager
def vocabulary_folder() -> Iterator[str]:
    """Yields a folder that holds the vocabulary in the reference's file format."""
    with tempfile.TemporaryDirectory(prefix="harmony-bench-") as folder:
        pathlib.Path(folder, vocabulary.FILE_NAME).write_bytes(in_tiktoken_format())
        yield folder
