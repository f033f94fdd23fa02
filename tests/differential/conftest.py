"""Session fixtures: the reference and our core, the two sides of each comparison."""

import base64
import hashlib
import importlib
import pathlib
from types import ModuleType
from typing import Any

import pytest

from tests.differential.outcomes import Comparison
from tests.strategies.vocabulary import Vocabulary

_VOCABULARY_VARIABLE = "TIKTOKEN_ENCODINGS_BASE"
_VOCABULARY_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


@pytest.fixture(scope="session")
def token_bytes() -> list[bytes]:
    """The bytes of every ordinary token, from our own package."""
    vocabulary = importlib.import_module("harmony_server.core.vocabulary")
    found: list[bytes] = vocabulary.token_bytes()
    return found


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The reference package."""
    return importlib.import_module("openai_harmony")


@pytest.fixture(scope="session")
def vocabulary_folder(
    token_bytes: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A folder with our package's vocabulary in the format that the reference reads."""
    data = b"".join(
        b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(token_bytes)
    )
    assert hashlib.sha256(data).hexdigest() == _VOCABULARY_SHA256
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "o200k_base.tiktoken").write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def reference_encoding(reference: ModuleType, vocabulary_folder: pathlib.Path) -> Any:
    """The reference's encoding."""
    # Set only while the reference loads, because our core reads the same variable.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_VOCABULARY_VARIABLE, str(vocabulary_folder))
        return reference.load_harmony_encoding("HarmonyGptOss")


@pytest.fixture(scope="session")
def core() -> ModuleType:
    """Our core."""
    return importlib.import_module("harmony_server.core")


@pytest.fixture(scope="session")
def encoding(core: ModuleType) -> Any:
    """Our core's encoding."""
    return core.load_harmony_encoding("HarmonyGptOss")


@pytest.fixture(scope="session")
def both(
    reference: ModuleType, reference_encoding: Any, core: ModuleType, encoding: Any
) -> Comparison:
    """Both sides of a comparison."""
    return Comparison(reference, reference_encoding, core, encoding)


@pytest.fixture(scope="session")
def vocabulary(token_bytes: list[bytes], reference_encoding: Any) -> Vocabulary:
    """The token ids of drawn segments."""
    return Vocabulary(token_bytes, reference_encoding)
