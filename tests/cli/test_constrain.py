"""`harmony-server constrain`."""

import json
from pathlib import Path

import pytest

from harmony_server.core import Conversation, load_harmony_encoding
from harmony_server.core.constraints import (
    ConstraintFormat,
    ReasoningMode,
    SamplingConstraintOptions,
    ToolChoiceMode,
    build_sampling_constraint,
)

from .conftest import Run

CONVERSATION = json.dumps(
    {
        "messages": [
            {
                "role": "developer",
                "content": [
                    {
                        "type": "developer_content",
                        "tools": {
                            "functions": {
                                "name": "functions",
                                "tools": [
                                    {
                                        "name": "f",
                                        "description": "Does it.",
                                        "parameters": {"type": "object", "minProperties": 1},
                                    },
                                    {"name": "g", "description": "Does it."},
                                ],
                            }
                        },
                    }
                ],
            }
        ]
    }
)
NOTICE = (
    "keyword-not-enforced: conversation.messages[0].content[0].developer.tools[0].tools[0]"
    ".parameters_json: /minProperties\n"
)


def _grammar(value: ConstraintFormat, options: SamplingConstraintOptions) -> str:
    constraint = build_sampling_constraint(
        Conversation.from_json(CONVERSATION),
        value,
        options,
        encoding=load_harmony_encoding("HarmonyGptOss"),
    )
    assert constraint.grammar is not None
    return constraint.grammar


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ebnf", ConstraintFormat.XGRAMMAR_EBNF),
        ("structural-tag", ConstraintFormat.XGRAMMAR_STRUCTURAL_TAG),
        ("lark", ConstraintFormat.LLGUIDANCE_LARK),
        ("gbnf", ConstraintFormat.LLAMA_GBNF),
    ],
)
def test_the_grammar_is_the_output(run: Run, name: str, value: ConstraintFormat) -> None:
    """Standard output has the grammar and not a byte more; standard error has the notices."""
    result = run("constrain", "--format", name, stdin=CONVERSATION)
    assert (result.exit_code, result.stderr) == (0, NOTICE)
    assert result.stdout == _grammar(value, SamplingConstraintOptions())


def test_an_automaton_is_json(run: Run) -> None:
    """An automaton is written as a JSON object of its columns."""
    result = run("constrain", "--format", "automaton", stdin=CONVERSATION)
    assert (result.exit_code, result.stderr) == (0, "bodies-not-enforced\n")
    columns = json.loads(result.stdout)
    assert columns["edge_offsets"][-1] == len(columns["edge_tokens"])


def test_options(run: Run, tmp_path: Path) -> None:
    """Options reach the constraint; the response schema comes from a file."""
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "null"}')
    arguments = ["--tool-choice", "required", "--recipient", "functions.g", "--no-reasoning"]
    arguments += ["--response-schema", str(schema), "--level", "schemas"]
    result = run("constrain", "--format", "lark", *arguments, stdin=CONVERSATION)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == _grammar(
        ConstraintFormat.LLGUIDANCE_LARK,
        SamplingConstraintOptions(
            tool_choice=ToolChoiceMode.REQUIRED,
            allowed_recipients=("functions.g",),
            reasoning=ReasoningMode.FORBIDDEN,
            response_schema_json='{"type": "null"}',
        ),
    )


def test_with_a_server(run: Run, server_address: str) -> None:
    """A server builds the same constraint, and reports the same notices and errors."""
    for arguments in (
        ["--format", "lark"],
        ["--format", "automaton"],
        ["--format", "gbnf", "--recipient", "functions.h"],
    ):
        here = run("constrain", *arguments, stdin=CONVERSATION)
        there = run("constrain", *arguments, "--target", server_address, stdin=CONVERSATION)
        assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout)
        assert there.stderr == here.stderr


def test_an_unknown_recipient(run: Run) -> None:
    """An option that does not fit is one line, with the field."""
    result = run("constrain", "--format", "lark", "--recipient", "h", stdin=CONVERSATION)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "stdin: options.tool_choice.allowed_recipients[0]: must be a recipient that the "
        "conversation declares\n"
    )
