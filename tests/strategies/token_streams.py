"""Token streams as a model samples them: well-formed and malformed."""

import itertools

from hypothesis import strategies as st

from tests.support.encodings import tokens_of


def _sampled(*texts: str) -> st.SearchStrategy[list[int]]:
    return st.sampled_from([tokens_of(text) for text in texts])


# None of these is a whole character by itself.
_BYTES = st.sampled_from([4103, 104, 94, 50378, 244])
_TEXTS = _sampled("Hello", " world", "{}", "\n\n", "你好", "😀", "é", "<|x", " to=f", "final")
_OTHER_SPECIALS = st.sampled_from([200005, 200006, 200008, 200003, 199999, 201088])
_INVALID = st.sampled_from([201089, 2**32 - 1])

_CONTENT = st.lists(
    st.one_of(
        _TEXTS,
        st.integers(0, 199_997).map(lambda token: [token]),
        _BYTES.map(lambda token: [token]),
        _OTHER_SPECIALS.map(lambda token: [token]),
    ),
    max_size=8,
).map(lambda runs: [token for run in runs for token in run])

_HEADERS = _sampled(
    "",
    "<|channel|>final",
    "<|channel|>analysis",
    " to=functions.f<|channel|>commentary <|constrain|>json",
    "<|channel|>commentary to=f<|constrain|>json",
    " to=x",
)
_ROLES = _sampled("assistant", "user", "tool")
_STOPS = st.sampled_from([200002, 200007, 200012])


@st.composite
def well_formed_streams(draw: st.DrawFn) -> list[int]:
    """Completions that follow a prompt ending in `<|start|>assistant`."""
    tokens: list[int] = []
    for index in range(draw(st.integers(1, 4))):
        if index:
            tokens += [200006, *draw(_ROLES)]
        tokens += [*draw(_HEADERS), 200008, *draw(_CONTENT), draw(_STOPS)]
    if draw(st.booleans()):
        del tokens[-1:]
    return tokens


@st.composite
def malformed_streams(draw: st.DrawFn) -> list[int]:
    """Well-formed streams with a few tokens removed, added or replaced."""
    tokens = draw(well_formed_streams())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(tokens)))
        removed = draw(st.integers(0, 2))
        added = draw(st.lists(st.one_of(_STOPS, _OTHER_SPECIALS, _INVALID, _BYTES), max_size=2))
        tokens[place : place + removed] = added
    return tokens


def streams() -> st.SearchStrategy[list[int]]:
    """Well-formed and malformed streams."""
    return st.one_of(well_formed_streams(), malformed_streams())


@st.composite
def chunked_streams(draw: st.DrawFn) -> list[list[int]]:
    """Streams split into chunks, some of them empty."""
    tokens = draw(streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=len(tokens) + 2)))
    bounds = [0, *cuts, len(tokens)]
    return [tokens[begin:end] for begin, end in itertools.pairwise(bounds)]
