"""Programs written for the reference run here with only their import changed."""

import contextlib
import io
import pathlib

import pytest

from tests.core.reference_programs import STREAMING, TOOLS, USAGE_EXAMPLE


def _with_our_import(program: str) -> str:
    return program.replace("from openai_harmony import", "from harmony_server.core import").replace(
        "import openai_harmony\n", "import harmony_server.core as openai_harmony\n"
    )


def _output_of(program: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(program, "program", "exec"), {})
    return output.getvalue()


@pytest.mark.parametrize(
    "program", [USAGE_EXAMPLE, TOOLS, STREAMING], ids=["usage example", "tools", "streaming"]
)
def test_a_program_prints_the_same(
    program: str, monkeypatch: pytest.MonkeyPatch, vocabulary_folder: pathlib.Path
) -> None:
    """A program prints exactly the same with both packages."""
    monkeypatch.setenv("TIKTOKEN_ENCODINGS_BASE", str(vocabulary_folder))
    ours = _with_our_import(program)
    assert ours != program
    assert _output_of(ours) == _output_of(program)


def test_the_usage_example() -> None:
    """The usage example prints the prompt, an error, and the parsed answer."""
    lines = _output_of(_with_our_import(USAGE_EXAMPLE)).splitlines()
    assert lines[0].startswith("[200006, 17360, 200008, 3575, 553")
    assert lines[0].endswith("200006, 173781]")
    assert "Channel must be included for every message.<|end|><|start|>user<|message|>" in (
        "".join(lines)
    )
    assert lines[-5] == "Unexpected EOS while waiting for message header to complete"
    assert lines[-1] == (
        '{"role": "assistant", "name": null, '
        '"content": [{"type": "text", "text": "2 + 2 = 4"}], "channel": "final"}'
    )
