"""What recover mode makes of the names and channels in its options."""

import pytest

from harmony_server.core import ParseOptions, Role
from harmony_server.core.events import Header, MessageCompleted
from tests.support.encodings import encoding, tokens_of


def _completed(text: str, options: ParseOptions) -> MessageCompleted:
    (message,) = [
        event
        for event in encoding().parse_events(tokens_of(text), Role.ASSISTANT, options)
        if isinstance(event, MessageCompleted)
    ]
    return message


@pytest.mark.parametrize(
    ("text", "names", "channels", "header"),
    [
        (
            "<|channel|>commentary get_weather<|message|>{}<|call|>",
            ("get_weather",),
            (),
            Header(Role.ASSISTANT, recipient="get_weather", channel="commentary"),
        ),
        (
            "<|channel|>critique<|message|>Too long.<|return|>",
            (),
            ("critique",),
            Header(Role.ASSISTANT, channel="critique"),
        ),
    ],
)
def test_a_name_from_the_options_needs_no_repair(
    text: str, names: tuple[str, ...], channels: tuple[str, ...], header: Header
) -> None:
    """With the option the header is clean; without it, it is repaired."""
    options = ParseOptions(recover=True, callable_names=names, channels=channels)
    message = _completed(text, options)
    assert (message.header, message.repairs) == (header, ())
    assert _completed(text, ParseOptions(recover=True)).repairs


def test_a_channel_from_the_options_ends_before_text() -> None:
    """Without `<|message|>`, a further channel is told from the text behind it."""
    text = "<|channel|>critique Too long.<|return|>"
    message = _completed(text, ParseOptions(recover=True, channels=("critique",)))
    assert (message.header.channel, message.text) == ("critique", "Too long.")
    message = _completed(text, ParseOptions(recover=True))
    assert (message.header.channel, message.text) == (None, "critique Too long.")


@pytest.mark.parametrize("strict", [True, False])
def test_strict_and_lenient_mode_ignore_the_options(strict: bool) -> None:
    """They read a header the same with and without names and channels."""
    text = "<|channel|>critique more get_weather<|message|>{}<|call|>"
    names = ("more", "critique")
    options = ParseOptions(strict=strict, callable_names=names, channels=names)
    assert _completed(text, options) == _completed(text, ParseOptions(strict=strict))
