"""Headers of messages, as segments: well-formed and malformed in every way."""

import re
from typing import Final

from hypothesis import strategies as st

from tests.strategies.messages import ROLES
from tests.strategies.mixing import evenly, one_in
from tests.strategies.segments import FIRST_INVALID_TOKEN, Segment, Special, Text, Token
from tests.strategies.texts import WHITE_SPACE, texts
from tests.strategies.utf8 import byte_segments

Header = list[Segment]

_CHANNELS: Final = ("analysis", "commentary", "final")
_RECIPIENTS: Final = ("functions.get_weather", "browser.search", "assistant", "user", "all")
_STOPS: Final = ("end", "return", "call")
_SPECIAL: Final = re.compile(r"<\|(\w+)\|>")


@st.composite
def well_formed_headers(draw: st.DrawFn, preset: str | None) -> Header:
    """Headers as models write them, mostly without the role if it is preset."""
    header: Header = []
    if preset is None or draw(one_in(4)):
        header.append(Text(preset or draw(st.sampled_from([*ROLES, "functions.get_weather"]))))
    recipient: Header = []
    if draw(st.booleans()) or header == [Text("functions.get_weather")]:
        recipient = [Text(f" to={draw(st.sampled_from(_RECIPIENTS))}")]
    channel: Header = []
    if draw(st.booleans()):
        channel = [Special("channel"), Text(draw(st.sampled_from(_CHANNELS)))]
    header += recipient + channel if draw(st.booleans()) else channel + recipient
    if draw(st.booleans()):
        header += draw(
            st.sampled_from(
                [
                    [Text(" "), Special("constrain"), Text("json")],
                    [Special("constrain"), Text("json")],
                    [Text(" json")],
                    [Text(" code")],
                ]
            )
        )
    return header


# Each takes another path through the parsing of a header.
ODD_HEADERS: Final = (
    "",
    "  ",
    "foo",
    "to=x",
    "foo bar",
    "foo bar baz",
    "foo to=x",
    "foo tool",
    "foo tool to=x",
    "tool",
    "tool tool",
    "tool x",
    "tool to=x json",
    "Assistant",
    "assistant:bob",
    "user:bob to=x",
    "assistant assistant",
    "assistant assistant to=x",
    "assistant to=",
    "assistant to=<|constrain|>json",
    "assistant x y z",
    "assistant json to=x",
    "assistant to=x to=y",
    "assistant to=x y to=z",
    "assistant<|channel|>",
    "assistant<|channel|> final",
    "assistant<|channel|><|constrain|>json",
    "assistant<|channel|>a<|channel|>b",
    "<|channel|>final assistant",
    "assistant<|channel|>final<|constrain|>json",
    "assistant<|channel|>final <|constrain|>json",
    "assistant<|channel|>final<",
    "assistant<|channel|>final\xa0x",
    "assistant<|channel|>final\x1cx",
    "assistant<|channel|>final\u200bx",
    "assistant\xa0x",
    "assistant\x0bx",
    "assistant\x0cx",
    "assistant\x1cx",
    "\xa0assistant\u2003",
    "\x1cassistant",
    "\ufeffassistant",
    "assistant<|constrain|>",
    "assistant<|constrain|>a<|constrain|>b",
    "assistant<|constrain|>a<|constrain|>b<|constrain|>c",
    "assistant<|constrain|>json x",
    "assistant to=x<|end|>y",
    "assistant<|start|>x",
    "<|start|>assistant",
    "assistant to=x<|start|>assistant",
    "assistant<|return|>",
)

_header_words: st.SearchStrategy[Segment] = st.one_of(
    st.sampled_from([*ROLES, *_RECIPIENTS, *_CHANNELS, "json", "to=x", "to=", "foo", "x"]).map(
        Text
    ),
    st.sampled_from(["user:bob", "tool", "to=x to=y", "Assistant", "assistantfoo", "a b c"]).map(
        Text
    ),
)
_header_separators: st.SearchStrategy[Segment] = st.one_of(
    st.just(Text(" ")), st.sampled_from(WHITE_SPACE).map(Text)
)
_header_specials: st.SearchStrategy[Segment] = st.one_of(
    st.just(Special("channel")),
    st.just(Special("constrain")),
    st.sampled_from(["start", *_STOPS, "reserved_200014", "endoftext"]).map(Special),
)
_header_oddities: st.SearchStrategy[Segment] = st.one_of(
    texts().map(Text),
    byte_segments(),
    st.sampled_from([FIRST_INVALID_TOKEN, 250_000, 2**32 - 1]).map(Token),
)


@st.composite
def word_soups(draw: st.DrawFn) -> Header:
    """Headers of random words, separators and special tokens."""
    header: Header = []
    for _ in range(draw(st.integers(min_value=0, max_value=5))):
        header.append(draw(st.one_of(_header_words, _header_words, _header_specials)))
        if draw(st.booleans()):
            header.append(draw(_header_separators))
    if draw(one_in(4)):
        at = draw(st.integers(min_value=0, max_value=len(header)))
        header.insert(at, draw(_header_oddities))
    return header


def spelled(text: str) -> Header:
    """Returns text as segments, with special tokens where it spells them."""
    parts = _SPECIAL.split(text)
    return [Special(part) if index % 2 else Text(part) for index, part in enumerate(parts) if part]


def odd_headers() -> st.SearchStrategy[Header]:
    """Headers that are malformed, or look so."""
    return st.sampled_from(ODD_HEADERS).map(spelled)


def headers(preset: str | None) -> st.SearchStrategy[Header]:
    """Headers, most of them malformed, for a parser with this preset role."""
    role = Text(preset or "assistant")
    led_soups = word_soups().map(lambda header: [role, *header])
    return evenly(well_formed_headers(preset), odd_headers(), led_soups, word_soups())
