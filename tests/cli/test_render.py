"""`harmony-server render`."""

import json
from pathlib import Path

import pytest

from .conftest import Run

USER = '{"messages": [{"role": "user", "content": "Hi"}]}'
ANSWERED = json.dumps(
    {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "channel": "analysis", "content": "A greeting."},
            {"role": "assistant", "channel": "final", "content": "Hello"},
        ]
    }
)
ANSWERED_TEXT = (
    "<|start|>user<|message|>Hi<|end|><|start|>assistant<|channel|>final<|message|>Hello"
)


def test_tokens_on_one_line(run: Run) -> None:
    """By default the output is a prompt for the assistant, as one line of ids."""
    result = run("render", stdin=USER)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "200006 1428 200008 12194 200007 200006 173781\n"


def test_json(run: Run) -> None:
    """With --json the tokens are a JSON array."""
    result = run("render", "--json", stdin=USER)
    assert result.stdout == "[200006, 1428, 200008, 12194, 200007, 200006, 173781]\n"


def test_runs(run: Run) -> None:
    """With --runs the output says which message and part each range of tokens is of."""
    result = run("render", "--runs", stdin=ANSWERED.replace("Hello", ""))
    assert (result.exit_code, result.stderr) == (0, "")
    runs = json.loads(result.stdout)
    assert runs[0] == {"begin": 0, "end": 1, "message": 0, "part": "start", "content": 0}
    assert [(run["message"], run["part"], run["end"] - run["begin"]) for run in runs] == [
        *[(0, "start", 1), (0, "author", 1), (0, "message", 1), (0, "content", 1), (0, "stop", 1)],
        # The analysis is left out, the answer empty.
        *[(2, "start", 1), (2, "author", 1), (2, "channel", 2), (2, "message", 1), (2, "stop", 1)],
        *[(3, "start", 1), (3, "author", 1)],
    ]


@pytest.mark.parametrize("purpose", ["completion", "training", "conversation"])
def test_runs_cover_the_tokens(run: Run, purpose: str) -> None:
    """Runs are those of the tokens that the same options give."""
    options = ("--for", purpose, "--analysis", "current-turn")
    tokens = json.loads(run("render", "--json", *options, stdin=ANSWERED).stdout)
    runs = json.loads(run("render", "--runs", *options, stdin=ANSWERED).stdout)
    assert [run["begin"] for run in runs[1:]] == [run["end"] for run in runs[:-1]]
    assert runs[-1]["end"] == len(tokens)
    assert {run["message"] for run in runs} == set(range(3 + (purpose == "completion")))


def test_text(run: Run) -> None:
    """With --text the output is the text of the prompt, and not a byte more."""
    result = run("render", "--text", stdin=USER)
    assert result.stdout == "<|start|>user<|message|>Hi<|end|><|start|>assistant"


def test_file(run: Run, tmp_path: Path) -> None:
    """The conversation may be in a file."""
    file = tmp_path / "conversation.json"
    file.write_text(USER)
    assert run("render", str(file)).stdout == run("render", "-", stdin=USER).stdout


def test_next_role(run: Run) -> None:
    """--next-role sets the role whose turn is next."""
    result = run("render", "--text", "--next-role", "user", stdin=USER)
    assert result.stdout.endswith("<|end|><|start|>user")


@pytest.mark.parametrize(
    ("purpose", "end"),
    [
        ("completion", "<|end|><|start|>assistant"),
        ("training", "<|return|>"),
        ("conversation", "<|end|>"),
    ],
)
def test_purposes(run: Run, purpose: str, end: str) -> None:
    """--for decides how the conversation ends; analysis before an answer is left out."""
    result = run("render", "--text", "--for", purpose, stdin=ANSWERED)
    assert result.stdout == ANSWERED_TEXT + end


def test_keep_analysis(run: Run) -> None:
    """--keep-analysis keeps the analysis before an answer."""
    result = run("render", "--text", "--for", "conversation", "--keep-analysis", stdin=ANSWERED)
    assert "<|channel|>analysis<|message|>A greeting.<|end|>" in result.stdout


def test_rules_for_analysis(run: Run) -> None:
    """--analysis decides which analysis stays."""
    thought = "<|channel|>analysis<|message|>A greeting.<|end|>"
    for rule, stays in {"keep": True, "current-turn": True, "none": False}.items():
        result = run(
            "render", "--text", "--for", "conversation", "--analysis", rule, stdin=ANSWERED
        )
        assert (thought in result.stdout) is stays
    result = run("render", "--keep-analysis", "--analysis", "keep", stdin=ANSWERED)
    assert result.exit_code == 2
    assert "--keep-analysis and --analysis exclude each other" in result.stderr


def test_every_kind_of_content(run: Run) -> None:
    """System and developer contents, tools, calls and results are rendered."""
    example = Path(__file__).parents[2] / "examples" / "conversation.json"
    text = run("render", "--text", str(example)).stdout
    assert "Current date: 2026-11-22" in text
    assert 'type get_weather = (_: {\nplace: string,\nunit?: "celsius" | "fahrenheit",\n})' in text
    assert text.endswith(
        "<|start|>assistant to=functions.get_weather<|channel|>commentary <|constrain|>json"
        '<|message|>{"place": "Graz"}<|call|>'
        "<|start|>functions.get_weather to=assistant<|channel|>commentary"
        '<|message|>{"sky": "rain", "temperature": 6}<|end|><|start|>assistant'
    )


def test_system_fields_set_to_null(run: Run) -> None:
    """A field that is null is left out; a missing field has its default."""
    content = {"type": "system_content", "model_identity": None, "channel_config": None}
    conversation = {"messages": [{"role": "system", "content": [content]}]}
    result = run("render", "--text", "--for", "conversation", stdin=json.dumps(conversation))
    assert result.stdout == (
        "<|start|>system<|message|>Knowledge cutoff: 2024-06\n\nReasoning: medium<|end|>"
    )


DESCRIPTION_MISSING = (
    '{"messages": [{"role": "developer", "content": [{"type": "developer_content", "tools":'
    ' {"functions": {"name": "functions", "tools": [{"name": "f"}]}}}]}]}'
)
HUGE_NUMBER = DESCRIPTION_MISSING.replace(
    '"f"', '"f", "description": "", "parameters": {"x": 1e999}'
)


@pytest.mark.parametrize(
    ("conversation", "problem"),
    [
        ('{"messages": [\n  {"role": }]}', "line 2, column 12: not JSON: Expecting value"),
        ("", "line 1, column 1: not JSON: Expecting value"),
        ('{"messages": NaN}', "not JSON: NaN is not a number that JSON has"),
        (HUGE_NUMBER, "not JSON: 1e999 is out of range"),
        ("[" * 100_000, "not JSON that can be read: nested too deeply"),
        ("[]", "Input should be an object"),
        ("{}", "messages: Field required"),
        ('{"messages": [5]}', "messages[0]: Input should be an object"),
        ('{"messages": [{"content": "x"}]}', "messages[0].role: Field required"),
        (
            '{"messages": [{"role": "assitant", "content": "x"}]}',
            "messages[0].role: Input should be 'user', 'assistant', 'system', 'developer' or "
            "'tool', found \"assitant\"",
        ),
        (
            '{"messages": [{"role": "user", "content": 5}]}',
            "messages[0].content: Input should be a string or a list of contents, found 5",
        ),
        (
            '{"messages": [{"role": "user", "content": [{"type": "image"}]}]}',
            "messages[0].content[0]: Input should be an object with type 'text', "
            "'system_content' or 'developer_content'",
        ),
        (
            DESCRIPTION_MISSING,
            "messages[0].content[0].tools.functions.tools[0].description: Field required",
        ),
        (
            '{"messages": [{"role": "user", "content": "x", "channel": 7}]}',
            "messages[0].channel: Input should be a valid string, found 7",
        ),
        (
            '{"messages": [{"role": "user", "content": "\\ud800"}]}',
            "messages[0].content: lone surrogate in a string",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "x"}]}',
            "messages[1].name: Tools should have a name!",
        ),
        (
            '{"messages": [{"role": "user", "content": [{"type": "system_content"}]}]}',
            "messages[0].content[0]: SystemContent may only appear in system messages, "
            "found in User",
        ),
    ],
)
def test_wrong_conversation(run: Run, tmp_path: Path, conversation: str, problem: str) -> None:
    """An invalid conversation is one line that says what is wrong, and where."""
    file = tmp_path / "conversation.json"
    file.write_text(conversation)
    result = run("render", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{file}: {problem}\n"


def test_a_long_value_is_cut(run: Run) -> None:
    """An error shows only the beginning of a long value."""
    conversation = {"messages": [{"role": "x" * 1000, "content": ""}]}
    result = run("render", stdin=json.dumps(conversation))
    assert result.stderr.endswith(f'found "{"x" * 39}…\n')


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--text", "--json"], "--text and --json exclude each other"),
        (["--json", "--runs"], "--json and --runs exclude each other"),
        (["--for", "training", "--next-role", "user"], "--next-role has no meaning with --for"),
        (["--next-role", "nobody"], "'nobody' is not one of 'user', 'assistant'"),
    ],
)
def test_wrong_options(run: Run, arguments: list[str], problem: str) -> None:
    """Options that exclude each other are one line, too."""
    result = run("render", *arguments, stdin=USER)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1
