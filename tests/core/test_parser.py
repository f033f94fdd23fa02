"""Tokens to messages, rule by rule, with results taken from the reference."""

import pytest

from harmony_server import core
from tests.core.parses import parse_error, parsed
from tests.support.encodings import encoding, tokens_of

_ASSISTANT = core.Role.ASSISTANT


# Between messages


def test_a_message_from_its_start() -> None:
    """Without a preset role, a message begins with `<|start|>`."""
    assert parsed("<|start|>assistant<|message|>hi<|end|>") == [{"role": "assistant", "text": "hi"}]


def test_no_tokens_are_no_messages() -> None:
    """No tokens give no messages and no error."""
    assert parsed("") == []


@pytest.mark.parametrize(
    ("text", "token"), [("x", 87), ("<|message|>", 200008), ("<|end|>", 200007)]
)
def test_anything_but_a_start_is_an_error(text: str, token: int) -> None:
    """Any token other than `<|start|>` between messages is an error that names it."""
    error = parse_error(text)
    assert str(error) == f"Unexpected token {token} while expecting start token 200006"
    assert (error.token, error.offset, error.state) == (token, 0, "ExpectStart")


def test_text_between_messages_is_an_error() -> None:
    """Text after a stop token is an error, strict or lenient."""
    for strict in (True, False):
        error = parse_error("<|start|>user<|message|>a<|end|>b", strict=strict)
        assert (error.token, error.offset, error.state) == (65, 5, "ExpectStart")


# Headers


def test_a_preset_role_begins_inside_a_header() -> None:
    """With a preset role, the tokens begin after `<|start|>` and the role."""
    assert parsed("<|channel|>final<|message|>hi<|return|>", _ASSISTANT) == [
        {"role": "assistant", "channel": "final", "text": "hi"}
    ]


def test_the_preset_role_is_used_up_by_the_first_header() -> None:
    """The preset role applies to the first message; later headers name their role."""
    text = "<|channel|>analysis<|message|>a<|end|><|start|>user<|message|>b<|end|>"
    assert parsed(text, _ASSISTANT) == [
        {"role": "assistant", "channel": "analysis", "text": "a"},
        {"role": "user", "text": "b"},
    ]


def test_an_empty_header_with_a_preset_role() -> None:
    """With a preset role, a header may be empty."""
    assert parsed("<|message|>", _ASSISTANT) == [{"role": "assistant", "text": ""}]


def test_a_stop_token_in_a_header_is_text_in_strict_mode() -> None:
    """In strict mode, only `<|message|>` ends a header; a stop token becomes part of its text."""
    assert parsed("<|channel|>final<|end|>x<|message|>y", _ASSISTANT) == [
        {"role": "assistant", "recipient": "<|end|>x", "channel": "final", "text": "y"}
    ]


def test_a_stop_token_ends_a_header_in_lenient_mode() -> None:
    """In lenient mode, a stop token ends a header, and its words after the channel are the text."""
    text = "<|channel|>final hello   world<|end|><|start|>user<|message|>z"
    assert parsed(text, _ASSISTANT, strict=False) == [
        {"role": "assistant", "channel": "final", "text": "hello world"},
        {"role": "user", "text": "z"},
    ]


def test_a_header_of_a_channel_alone_is_an_empty_message_in_lenient_mode() -> None:
    """In lenient mode, a stop token directly after the channel gives a message without text."""
    assert parsed("<|channel|>final<|end|>", _ASSISTANT, strict=False) == [
        {"role": "assistant", "channel": "final", "text": ""}
    ]


def test_an_empty_header_is_dropped_in_lenient_mode() -> None:
    """In lenient mode, a stop token after an empty header gives no message."""
    assert parsed("<|end|>", _ASSISTANT, strict=False) == []


def test_a_header_without_a_preset_role_is_dropped_in_lenient_mode() -> None:
    """In lenient mode without a preset role, a stop token in a header gives no message."""
    text = "<|start|>assistant<|end|><|start|>user<|message|>z"
    assert parsed(text, strict=False) == [{"role": "user", "text": "z"}]


def test_an_empty_channel_is_an_error_in_lenient_mode() -> None:
    """In lenient mode, `<|channel|>` directly before a stop token is an error."""
    error = parse_error("<|channel|><|end|>", _ASSISTANT, strict=False)
    assert str(error) == "channel marker present but no channel value found in header"
    assert (error.token, error.offset, error.state) == (200007, 1, "Header")


@pytest.mark.parametrize(
    ("text", "role", "offset"),
    [("<|start|>assistant", None, 2), ("<|start|>", None, 1), ("", _ASSISTANT, 0)],
)
@pytest.mark.parametrize("strict", [True, False])
def test_the_end_inside_a_header_is_an_error(
    text: str, role: core.Role | None, offset: int, strict: bool
) -> None:
    """A stream that ends inside a header is an error, strict or lenient."""
    error = parse_error(text, role, strict=strict)
    assert str(error) == "Unexpected EOS while waiting for message header to complete"
    assert (error.token, error.offset, error.state) == (None, offset, "Header")


# Content


def test_the_end_of_the_stream_completes_a_message() -> None:
    """A message needs no stop token at the end of the stream."""
    assert parsed("<|start|>user<|message|>hi") == [{"role": "user", "text": "hi"}]


@pytest.mark.parametrize("stop", ["<|end|>", "<|return|>", "<|call|>"])
def test_each_stop_token_ends_a_message(stop: str) -> None:
    """`<|end|>`, `<|return|>` and `<|call|>` all end a message."""
    assert parsed(f"<|message|>hi{stop}", _ASSISTANT) == [{"role": "assistant", "text": "hi"}]


def test_other_special_tokens_in_content_are_text() -> None:
    """Special tokens in content, other than stop tokens, are spelled out."""
    content = "a<|channel|>b<|start|>c<|message|>d<|constrain|><|endoftext|><|reserved_201088|>"
    assert parsed(f"<|message|>{content}<|end|>", _ASSISTANT) == [
        {"role": "assistant", "text": content}
    ]


def _content(tokens: list[int]) -> str:
    (message,) = encoding().parse_messages_from_completion_tokens([200008, *tokens], _ASSISTANT)
    (content,) = message.content
    assert isinstance(content, core.TextContent)
    return content.text


def test_a_character_of_several_tokens() -> None:
    """The bytes of a character may be split over several tokens."""
    assert _content([4103, 104, 94, 200007]) == "🫡"


def test_an_incomplete_character_at_the_end_is_replaced() -> None:
    """An incomplete character at the end of a message becomes one U+FFFD."""
    assert _content([87, 4103, 200007]) == "x\ufffd"
    assert _content([87, 4103, 104]) == "x\ufffd"


def test_invalid_utf8_is_replaced_by_maximal_subparts() -> None:
    """Each maximal subpart of an ill-formed sequence becomes one U+FFFD."""
    assert _content([4103, 87, 104, 94, 87, 200007]) == "\ufffdx\ufffd\ufffdx"


def test_an_incomplete_character_does_not_leak_into_the_next_message() -> None:
    """An incomplete character at the end of a message is not completed by the next message."""
    text = tokens_of("<|start|>user<|message|>")
    messages = encoding().parse_messages_from_completion_tokens(
        [*text, 4103, 200007, *text, 104, 94, 200007]
    )
    assert [message.content for message in messages] == [
        [core.TextContent(text="\ufffd")],
        [core.TextContent(text="\ufffd\ufffd")],
    ]


# Header text


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (" to=f<|channel|>commentary", {"recipient": "f", "channel": "commentary"}),
        ("<|channel|>commentary to=f", {"recipient": "f", "channel": "commentary"}),
        ("<|channel|>commentary f", {"recipient": "f", "channel": "commentary"}),
        ("<|channel|>final<x", {"recipient": "<x", "channel": "final"}),
        ("<|channel|>final\u2028", {"channel": "final"}),
        ("\u00a0<|channel|>final", {"channel": "final"}),
    ],
    ids=repr,
)
def test_the_channel_is_removed_from_the_header(header: str, fields: dict[str, str]) -> None:
    """The text after `<|channel|>`, up to white space or `<`, is the channel."""
    assert parsed(f"{header}<|message|>t", _ASSISTANT) == [
        {"role": "assistant", "text": "t", **fields}
    ]


@pytest.mark.parametrize("header", ["<|channel|>", "<|channel|> x", "<|channel|><x"])
def test_an_empty_channel_is_an_error(header: str) -> None:
    """`<|channel|>` without a channel after it is an error."""
    error = parse_error(f"{header}<|message|>", _ASSISTANT)
    assert str(error) == "channel marker present but no channel value found in header"
    assert error.token == 200008
    assert error.state == "Header"


def test_a_second_channel_stays_in_the_text() -> None:
    """Only the first `<|channel|>` is removed from the header."""
    assert parsed("<|channel|>a<|channel|>b<|message|>t", _ASSISTANT) == [
        {"role": "assistant", "recipient": "<|channel|>b", "channel": "a", "text": "t"}
    ]


@pytest.mark.parametrize("space", ["", " "])
def test_a_constraint_is_a_word_of_its_own(space: str) -> None:
    """`<|constrain|>` begins a new word, with or without a space before it."""
    assert parsed(f" to=f{space}<|constrain|>json<|message|>t", _ASSISTANT) == [
        {
            "role": "assistant",
            "recipient": "f",
            "content_type": "<|constrain|>json",
            "text": "t",
        }
    ]


@pytest.mark.parametrize(
    ("space", "words"),
    [(" ", 2), ("\t", 2), ("\n", 2), ("\f", 2), ("\r", 2), ("\v", 1), ("\u00a0", 1), ("\x1c", 1)],
    ids=ascii,
)
def test_words_are_split_at_ascii_white_space(space: str, words: int) -> None:
    """Space, tab, LF, FF and CR separate words; vertical tabs and Unicode spaces do not."""
    (message,) = parsed(f"to=a{space}b<|message|>", _ASSISTANT)
    assert message["recipient"] == ("a" if words == 2 else f"a{space}b")


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_the_first_word_is_the_role(role: str) -> None:
    """Without a preset role, the first word is the role."""
    assert parsed(f"<|start|>{role}<|message|>t") == [{"role": role, "text": "t"}]


def test_a_header_without_a_role_is_an_error() -> None:
    """Without a preset role, an empty header is an error."""
    error = parse_error("<|start|> <|message|>")
    assert str(error) == "message header did not contain a role"
    assert (error.token, error.offset, error.state) == (200008, 2, "Header")


@pytest.mark.parametrize("word", ["foo", "Assistant", "assistant:bob", "assistant<|channel|>b"])
def test_an_unknown_role_alone_is_an_error(word: str) -> None:
    """A header of one word that is not a role is an error."""
    error = parse_error(f"<|start|><|channel|>a {word}<|message|>")
    assert str(error) == f"Unknown role: {word}"


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("foo to=assistant<|channel|>a", {"name": "foo", "recipient": "assistant", "channel": "a"}),
        ("to=x", {"name": "to=x"}),
        ("tool to=x", {"name": "tool", "recipient": "x"}),
        ("foo tool to=x", {"name": "foo", "recipient": "x"}),
    ],
    ids=repr,
)
def test_an_unknown_first_word_is_a_tool(header: str, fields: dict[str, str]) -> None:
    """An unknown first word is a tool's name if it begins with `to=` or more words follow."""
    assert parsed(f"<|start|>{header}<|message|>t") == [{"role": "tool", "text": "t", **fields}]


def test_a_preset_tool_has_no_name() -> None:
    """With the preset role `tool`, the message has no name."""
    assert parsed(" to=assistant<|message|>t", core.Role.TOOL) == [
        {"role": "tool", "recipient": "assistant", "text": "t"}
    ]


def test_a_first_word_equal_to_the_role_is_dropped_once() -> None:
    """A preset role repeated in the header is ignored; repeated again, it is the recipient."""
    assert parsed("assistant to=f<|message|>", _ASSISTANT) == [
        {"role": "assistant", "recipient": "f", "text": ""}
    ]
    assert parsed("assistant assistant<|message|>", _ASSISTANT) == [
        {"role": "assistant", "recipient": "assistant", "text": ""}
    ]


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("to=f", {"recipient": "f"}),
        ("to=", {"recipient": ""}),
        ("f", {"recipient": "f"}),
        ("<|constrain|>json", {"recipient": "<|constrain|>json"}),
        ("to=f json", {"recipient": "f", "content_type": "json"}),
        ("f json", {"recipient": "f", "content_type": "json"}),
        ("to=<|constrain|>json", {"recipient": "", "content_type": "<|constrain|>json"}),
    ],
)
def test_recipient_and_content_type(words: str, fields: dict[str, str]) -> None:
    """The first word is the recipient, the second the content type."""
    assert parsed(f"{words}<|message|>t", _ASSISTANT) == [
        {"role": "assistant", "text": "t", **fields}
    ]


@pytest.mark.parametrize(
    ("words", "left"), [("json to=f", "json"), ("a b to=f", "a b"), ("a b c", "a")]
)
def test_words_left_over_are_an_error(words: str, left: str) -> None:
    """Words beyond recipient and content type are an error that quotes them."""
    error = parse_error(f"{words}<|message|>", _ASSISTANT)
    assert "unexpected tokens remaining in message header" in str(error)
    assert left in str(error)


@pytest.mark.parametrize("token", [4103, 300000])
def test_a_header_that_is_not_text_is_an_error(token: int) -> None:
    """Invalid UTF-8 or an unknown id in a header is an error."""
    error = parse_error([token, 200008], _ASSISTANT)
    assert str(error) == "could not decode header"
    assert (error.token, error.offset, error.state) == (200008, 1, "Header")
