"""Session fixtures: the vocabulary as a file, and the reference library."""

import importlib
import pathlib
from types import ModuleType
from typing import Any

import pytest

from devtools.vocabulary_file import in_tiktoken_format
from harmony_server.core import vocabulary


@pytest.fixture(scope="session")
def tiktoken_file() -> bytes:
    """Our packed vocabulary, written in tiktoken's format."""
    return in_tiktoken_format()


@pytest.fixture(scope="session")
def vocabulary_folder(
    tiktoken_file: bytes, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A folder with the vocabulary in tiktoken's format."""
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / vocabulary.FILE_NAME).write_bytes(tiktoken_file)
    return folder


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The reference library."""
    return importlib.import_module("openai_harmony")


@pytest.fixture(scope="session")
def reference_encoding(reference: ModuleType, vocabulary_folder: pathlib.Path) -> Any:
    """The reference's encoding, loaded without a download."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(vocabulary.DIRECTORY_VARIABLE, str(vocabulary_folder))
        return reference.load_harmony_encoding("HarmonyGptOss")
