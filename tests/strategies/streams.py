"""Token streams of completions: well-formed ones, mutated ones, and random tokens."""

from dataclasses import dataclass
from typing import Final, Literal

from hypothesis import strategies as st

from tests.strategies.headers import headers, well_formed_headers, word_soups
from tests.strategies.messages import ROLES
from tests.strategies.mixing import evenly
from tests.strategies.segments import FIRST_INVALID_TOKEN, Segment, Special, Text, Token
from tests.strategies.texts import texts
from tests.strategies.utf8 import byte_segments

_STOPS: Final = ("end", "return", "call")
_OTHER_SPECIALS: Final = ("start", "message", "channel", "constrain", "reserved_200014")
_LONG_TEXT: Final = "The 2 quick brown foxes don't jump.\n" * 5

MutationKind = Literal["delete", "insert", "swap", "truncate"]
_MUTATION_KINDS: Final[tuple[MutationKind, ...]] = ("delete", "insert", "swap", "truncate")


@dataclass(frozen=True)
class Mutation:
    """One change to a token stream, at a position modulo its length.

    `delete` removes one token, `insert` adds a segment, `swap` exchanges two neighbors, `truncate`
    removes the token at the position and all after it.
    """

    kind: MutationKind
    position: int
    segment: Segment | None = None


@dataclass(frozen=True)
class Stream:
    """A completion, the preset role of its parser, and the mutations of its tokens."""

    role: str | None
    segments: tuple[Segment, ...]
    mutations: tuple[Mutation, ...] = ()


def roles() -> st.SearchStrategy[str | None]:
    """Preset roles of a parser, or None."""
    return evenly(st.none(), st.just("assistant"), st.sampled_from(ROLES))


def _contents() -> st.SearchStrategy[list[Segment]]:
    pieces: st.SearchStrategy[Segment] = st.one_of(
        st.sampled_from(["Hello", " world", "2 + 2 = 4.", '{"a": 1}', "\n\n", _LONG_TEXT]).map(
            Text
        ),
        texts().map(Text),
        byte_segments(),
        st.sampled_from(_OTHER_SPECIALS).map(Special),
        st.integers(min_value=0, max_value=FIRST_INVALID_TOKEN - 1).map(Token),
    )
    return st.lists(pieces, max_size=4)


@st.composite
def _message(
    draw: st.DrawFn, preset: str | None, *, opened: bool, malformed: bool
) -> list[Segment]:
    kind = headers if malformed else well_formed_headers
    header = draw(kind(preset))
    start: list[Segment] = [] if opened else [Special("start")]
    content = draw(_contents())
    return [*start, *header, Special("message"), *content, Special(draw(st.sampled_from(_STOPS)))]


@st.composite
def _messages(draw: st.DrawFn, *, malformed: bool) -> Stream:
    """One to three messages, one of them malformed if `malformed`."""
    role = draw(roles())
    count = draw(st.integers(min_value=1, max_value=3))
    bad_index = draw(st.integers(min_value=0, max_value=count - 1)) if malformed else None
    segments: list[Segment] = []
    for index in range(count):
        preset = role if index == 0 else None
        bad = index == bad_index
        segments += draw(_message(preset, opened=preset is not None, malformed=bad))
    if draw(st.booleans()):
        segments.pop()
    return Stream(role, tuple(segments))


def well_formed_streams() -> st.SearchStrategy[Stream]:
    """Completions of one to three well-formed messages; the last may lack its stop token."""
    return _messages(malformed=False)


def streams_with_bad_headers() -> st.SearchStrategy[Stream]:
    """Completions with one malformed header."""
    return _messages(malformed=True)


_inserted: st.SearchStrategy[Segment] = st.one_of(
    st.sampled_from([*_STOPS, *_OTHER_SPECIALS]).map(Special),
    st.sampled_from(["user", " to=x", "x", " "]).map(Text),
    byte_segments(),
)


@st.composite
def _mutations(draw: st.DrawFn) -> Mutation:
    kind = draw(st.sampled_from(_MUTATION_KINDS))
    position = draw(st.integers(min_value=0, max_value=60))
    return Mutation(kind, position, draw(_inserted) if kind == "insert" else None)


@st.composite
def mutated_streams(draw: st.DrawFn) -> Stream:
    """Well-formed completions with one to three mutations."""
    stream = draw(well_formed_streams())
    mutations = draw(st.lists(_mutations(), min_size=1, max_size=3))
    return Stream(stream.role, stream.segments, tuple(mutations))


@st.composite
def streams_with_stopped_headers(draw: st.DrawFn) -> Stream:
    """Completions with a stop token in a header, which only lenient mode accepts."""
    role = draw(st.sampled_from(ROLES))
    header = draw(st.one_of(headers(role), word_soups()))
    rest = draw(st.one_of(st.just([]), _message(None, opened=False, malformed=False)))
    return Stream(role, (*header, Special(draw(st.sampled_from(_STOPS))), *rest))


@st.composite
def random_streams(draw: st.DrawFn) -> Stream:
    """Random tokens, most of them of the kinds that matter to the parser."""
    piece = st.one_of(
        st.sampled_from([*_STOPS, *_OTHER_SPECIALS, "start", "message"]).map(Special),
        st.sampled_from(["assistant", " to=x", "tool", "final", " y"]).map(Text),
        byte_segments(),
        st.integers(min_value=0, max_value=FIRST_INVALID_TOKEN + 1).map(Token),
    )
    return Stream(draw(roles()), tuple(draw(st.lists(piece, max_size=12))))


def streams() -> st.SearchStrategy[Stream]:
    """Streams of every kind."""
    return evenly(
        well_formed_streams(),
        streams_with_bad_headers(),
        mutated_streams(),
        streams_with_stopped_headers(),
        random_streams(),
    )
