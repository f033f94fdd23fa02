"""Sources of the vocabulary, and errors if one is wrong."""

import hashlib
import pathlib
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest

from harmony_server import core
from harmony_server.core import vocabulary


def test_the_packed_vocabulary_is_the_official_one(tiktoken_file: bytes) -> None:
    """Written in tiktoken's format, the packed vocabulary has the official file's SHA-256."""
    assert hashlib.sha256(tiktoken_file).hexdigest() == (
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    )


def test_the_vocabulary_has_every_ordinary_token() -> None:
    """There are 199,998 ordinary tokens, indexed by token id."""
    tokens = vocabulary.token_bytes()
    assert len(tokens) == 199_998
    assert tokens[0] == b"!"
    assert tokens[13225] == b"Hello"


def test_loading_touches_no_socket() -> None:
    """Importing the core and loading the encoding use no socket and no name look-up."""
    program = """
import sys
seen = []
sys.addaudithook(lambda name, _: seen.append(name) if name.startswith("socket.") else None)
import harmony_server.core as core
encoding = core.load_harmony_encoding("HarmonyGptOss")
print(encoding.encode("Hello"), seen)
"""
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[13225] []\n"


def test_the_vocabulary_can_come_from_a_folder(
    monkeypatch: pytest.MonkeyPatch, vocabulary_folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The folder in TIKTOKEN_ENCODINGS_BASE is read instead of the packed vocabulary."""
    packed = vocabulary.token_bytes()
    monkeypatch.setattr(vocabulary, "PACKED_PATH", tmp_path / "absent")
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(vocabulary_folder))
    assert vocabulary.token_bytes() == packed


def test_an_empty_variable_names_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty TIKTOKEN_ENCODINGS_BASE counts as unset."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", "")
    assert len(vocabulary.token_bytes()) == 199_998


def test_a_folder_without_the_file_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """If the folder lacks the file, the error names the file."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(tmp_path / "absent"))
    with pytest.raises(core.HarmonyError) as caught:
        vocabulary.token_bytes()
    path = tmp_path / "absent" / "o200k_base.tiktoken"
    assert str(caught.value) == f"cannot read vocabulary {path}: No such file or directory"


@pytest.mark.parametrize("addition", [b"", b"IQ== 199998\n"], ids=["truncated", "longer"])
def test_another_vocabulary_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, tiktoken_file: bytes, addition: bytes
) -> None:
    """A file with another hash is refused, and the error has both hashes."""
    data = tiktoken_file + addition if addition else tiktoken_file[:-1]
    (tmp_path / "o200k_base.tiktoken").write_bytes(data)
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(tmp_path))
    with pytest.raises(core.HarmonyError) as caught:
        vocabulary.token_bytes()
    assert str(caught.value) == (
        f"vocabulary {tmp_path / 'o200k_base.tiktoken'} is not o200k_base: "
        f"SHA-256 is {hashlib.sha256(data).hexdigest()}, expected {vocabulary.SHA256}"
    )


def test_an_empty_file_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """An empty file is refused."""
    (tmp_path / "o200k_base.tiktoken").touch()
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(tmp_path))
    with pytest.raises(core.HarmonyError, match="is not o200k_base"):
        vocabulary.token_bytes()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda _: b"", "is damaged"),
        (lambda _: b"not deflated", "is damaged"),
        (lambda _: zlib.compress(b"something else"), "is not o200k_base"),
    ],
    ids=["truncated", "empty", "not deflated", "other content"],
)
def test_a_damaged_packed_vocabulary_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    damage: Callable[[bytes], bytes],
    problem: str,
) -> None:
    """A damaged packed vocabulary is an error that names the file."""
    path = tmp_path / "packed"
    path.write_bytes(damage(vocabulary.PACKED_PATH.read_bytes()))
    monkeypatch.setattr(vocabulary, "PACKED_PATH", path)
    monkeypatch.delenv("TIKTOKEN_ENCODINGS_BASE", raising=False)
    with pytest.raises(core.HarmonyError, match=problem) as caught:
        vocabulary.token_bytes()
    assert str(path) in str(caught.value)


def test_a_missing_packed_vocabulary_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A missing packed vocabulary is an error that names the file."""
    monkeypatch.setattr(vocabulary, "PACKED_PATH", tmp_path / "absent")
    monkeypatch.delenv("TIKTOKEN_ENCODINGS_BASE", raising=False)
    with pytest.raises(core.HarmonyError, match=r"cannot read vocabulary .*absent"):
        vocabulary.token_bytes()
