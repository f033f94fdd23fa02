"""`harmony-server inspect`."""

import json

import pytest

from .conftest import Run

CALL = (
    "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
)


def inspect(run: Run, text: str) -> list[list[str]]:
    """Returns the columns of each line for the tokens of a text."""
    result = run("inspect", stdin=run("encode", "--special", text).stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    return [
        [line[:7].strip(), line[9:15].strip(), line[17:29].strip(), line[31:]]
        for line in result.stdout.splitlines()
    ]


def labels(run: Run, text: str) -> list[tuple[str, str]]:
    """Returns the label and the text of each token of a text."""
    return [(line[2], line[3]) for line in inspect(run, text) if line[0]]


def test_lines(run: Run) -> None:
    """Each token is a line; an empty line separates messages."""
    result = run("inspect", stdin="200006 1428 200008 12194 200007 200006 173781")
    assert result.stdout == (
        "      0  200006  special       <|start|>\n"
        "      1    1428  role          'user'\n"
        "      2  200008  special       <|message|>\n"
        "      3   12194  content       'Hi'\n"
        "      4  200007  special       <|end|>\n"
        "\n"
        "      5  200006  special       <|start|>\n"
        "      6  173781  role          'assistant'\n"
    )


def test_header_of_a_call(run: Run) -> None:
    """Role, recipient, channel and content type have labels of their own."""
    assert labels(run, CALL) == [
        ("special", "<|start|>"),
        ("role", "'assistant'"),
        ("recipient", "' to'"),
        ("recipient", "'='"),
        ("recipient", "'functions'"),
        ("recipient", "'.f'"),
        ("special", "<|channel|>"),
        ("channel", "'comment'"),
        ("channel", "'ary'"),
        ("header", "' '"),
        ("special", "<|constrain|>"),
        ("content type", "'json'"),
        ("special", "<|message|>"),
        ("content", "'{}'"),
        ("special", "<|call|>"),
    ]


def test_recipient_after_the_channel(run: Run) -> None:
    """The recipient may follow the channel, as models mostly write it."""
    found = labels(run, "<|channel|>commentary to=functions.f json<|message|>{}")
    assert ("recipient", "'functions'") in found
    assert ("content type", "' json'") in found
    assert found[-1] == ("content", "'{}'")


# Guessed from the tokens, "to=functions.f" would be the recipient.
MISLEADING = {
    "messages": [
        {"role": "user", "name": "to=functions.f", "content": "Hi"},
        {"role": "assistant", "channel": "final", "content_type": "code x", "content": "1"},
    ]
}


def test_a_conversation_is_labelled_by_attribution(run: Run) -> None:
    """With --conversation, each token has the label of what the renderer made it from."""
    result = run("inspect", "--conversation", stdin=json.dumps(MISLEADING))
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line[17:].split("  ")[0] for line in result.stdout.splitlines() if line] == [
        *["special", *["role"] * 6, "special", "content", "special"],
        *["special", "role", "special", "channel", *["content type"] * 2],
        *["special", "content", "special"],
        *["special", "role"],
    ]


def test_a_conversation_is_rendered_as_render_does(run: Run) -> None:
    """The options of render choose the tokens."""
    stdin = json.dumps(MISLEADING)
    options = ("--for", "training", "--analysis", "keep")
    tokens = run("render", *options, stdin=stdin).stdout.split()
    result = run("inspect", "--conversation", *options, stdin=stdin)
    assert [line[9:15].strip() for line in result.stdout.splitlines() if line] == tokens
    assert result.stdout.endswith("<|return|>\n")


@pytest.mark.parametrize(
    "options", [("--for", "training"), ("--keep-analysis",), ("--next-role", "user")]
)
def test_options_for_rendering_need_a_conversation(run: Run, options: tuple[str, ...]) -> None:
    """Tokens are not rendered, so options for rendering are a mistake."""
    result = run("inspect", *options, stdin="200006")
    assert result.exit_code == 2
    assert "need --conversation" in result.stderr


def test_tool_name(run: Run) -> None:
    """The name of a tool is a role."""
    found = labels(run, "<|start|>functions.f to=assistant<|message|>ok")
    assert found[1:3] == [("role", "'functions'"), ("role", "'.f'")]
    assert found[5] == ("recipient", "'assistant'")


def test_pieces_of_characters(run: Run) -> None:
    """A token that is part of a character shows its bytes."""
    assert labels(run, "<|message|> 👩") == [
        ("special", "<|message|>"),
        ("content", r"b' \xf0\x9f\x91'"),
        ("content", r"b'\xa9'"),
    ]


def test_control_characters_are_escaped(run: Run) -> None:
    """Text cannot control the terminal."""
    assert labels(run, "<|message|>\x1b[2J") == [
        ("special", "<|message|>"),
        ("content", r"'\x1b'"),
        ("content", "'['"),
        ("content", "'2'"),
        ("content", "'J'"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi", ["outside"]),
        ("<|end|>Hi", ["special", "outside"]),
        ("<|start|>user", ["special", "role"]),
        ("<|start|><|start|>user<|message|>Hi", ["special"] * 2 + ["role", "special", "content"]),
        ("<|start|>user<|end|>Hi", ["special", "role", "special", "outside"]),
        ("<|channel|>", ["special"]),
        (
            "<|message|>Hi<|start|>user<|message|>Hi",
            ["special", "content", "special", "role", "special", "content"],
        ),
        ("<|message|>Hi<|start|>Hi", ["special", "content", "special", "content"]),
        ("<|message|>Hi<|constrain|>Hi", ["special", "content", "special", "content"]),
    ],
)
def test_malformed(run: Run, text: str, expected: list[str]) -> None:
    """Malformed output is labelled as well as possible."""
    assert [label for label, _ in labels(run, text)] == expected


def test_unknown_tokens(run: Run) -> None:
    """Ids that are not in the vocabulary are shown as such, anywhere."""
    result = run("inspect", stdin="201089 200006 201089 200008 999999")
    assert [line[17:] for line in result.stdout.splitlines() if line] == [
        "unknown       (not in the vocabulary)",
        "special       <|start|>",
        "unknown       (not in the vocabulary)",
        "special       <|message|>",
        "unknown       (not in the vocabulary)",
    ]


def test_every_special_token(run: Run) -> None:
    """The token that the command uses as a separator is shown like any other."""
    result = run("inspect", stdin="199998 199999 199998 201088")
    assert [line.split()[-1] for line in result.stdout.splitlines()] == [
        "<|startoftext|>",
        "<|endoftext|>",
        "<|startoftext|>",
        "<|reserved_201088|>",
    ]


def test_colour(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR turns colours on, and NO_COLOR turns them off."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;35m" in run("inspect", stdin="200006").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "35m" not in run("inspect", stdin="200006").stdout


def test_nothing(run: Run) -> None:
    """Without tokens nothing is printed."""
    result = run("inspect", stdin="")
    assert (result.exit_code, result.stdout) == (0, "")
