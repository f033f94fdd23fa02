"""`harmony-server encode` and `decode`."""

from pathlib import Path

import pytest

from .conftest import Run


def test_encode_argument(run: Run) -> None:
    """The text may be an argument."""
    assert run("encode", "Hello, world!").stdout == "13225 11 2375 0\n"


def test_encode_file_and_stdin(run: Run, tmp_path: Path) -> None:
    """The text may come from a file or standard input; every byte counts."""
    file = tmp_path / "text"
    file.write_bytes(b"Hello, world!\r\n")
    assert run("encode", "--file", str(file)).stdout == "13225 11 2375 99074\n"
    assert run("encode", stdin=b"Hello, world!\r\n").stdout == "13225 11 2375 99074\n"


def test_encode_special(run: Run) -> None:
    """With --special, spellings become special tokens."""
    result = run("encode", "--special", "<|start|>user<|message|>Hi<|end|>")
    assert result.stdout == "200006 1428 200008 12194 200007\n"


def test_encode_refuses_special(run: Run) -> None:
    """Without --special, a spelling is refused, and the error names its place."""
    result = run("encode", stdin="one\ntwo <|call|>")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "stdin: line 2, column 5: <|call|> is a special token; --special encodes it as one\n"
    )


def test_encode_what_only_looks_special(run: Run) -> None:
    """A spelling that belongs to no special token is text."""
    assert run("encode", "<|nothing|>").exit_code == 0


def test_encode_not_utf8(run: Run) -> None:
    """Text must be UTF-8."""
    result = run("encode", stdin=b"ab\xff")
    assert (result.exit_code, result.stderr) == (2, "stdin: byte 2: not UTF-8\n")


def test_encode_two_texts(run: Run) -> None:
    """TEXT and --file exclude each other."""
    result = run("encode", "x", "--file", "y")
    assert result.exit_code == 2
    assert "TEXT and --file exclude each other" in result.stderr


def test_decode(run: Run) -> None:
    """Tokens become their text; special tokens are spelled out."""
    result = run("decode", stdin="[13225, 11, 2375, 0, 200002]")
    assert (result.exit_code, result.stdout) == (0, "Hello, world!<|return|>")


def test_decode_keeps_line_ends(run: Run) -> None:
    """Line ends are written unchanged."""
    assert run("decode", stdin="13225 11 2375 99074").stdout_bytes == b"Hello, world!\r\n"


def test_decode_part_of_a_character(run: Run) -> None:
    """Bytes that are not UTF-8 become U+FFFD; with --strict they are an error."""
    assert run("decode", stdin="61138").stdout == " \ufffd"
    result = run("decode", "--strict", stdin="61138")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "stdin: the text is not UTF-8 at byte 1\n"


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_empty(run: Run, command: str) -> None:
    """Empty input gives empty output."""
    result = run(command)
    assert (result.exit_code, result.stdout.strip()) == (0, "")


def test_decode_unknown_token(run: Run) -> None:
    """An error names a token that is not in the vocabulary, and its place."""
    result = run("decode", stdin="17 201089")
    assert (result.exit_code, result.stderr) == (
        2,
        "stdin: tokens[1]: 201089 is not in the vocabulary\n",
    )
