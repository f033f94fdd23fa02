"""The reference library, loaded without network access from our own vocabulary."""

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
    """Returns the reference's encoding; it is loaded once."""
    with vocabulary_folder() as folder:
        os.environ[vocabulary.DIRECTORY_VARIABLE] = folder
        try:
            return openai_harmony.load_harmony_encoding("HarmonyGptOss")
        finally:
            del os.environ[vocabulary.DIRECTORY_VARIABLE]


@contextlib.contextmanager
def vocabulary_folder() -> Iterator[str]:
    """Makes a folder that holds the vocabulary in the form that the reference reads."""
    with tempfile.TemporaryDirectory(prefix="harmony-bench-") as folder:
        pathlib.Path(folder, vocabulary.FILE_NAME).write_bytes(in_tiktoken_format())
        yield folder
