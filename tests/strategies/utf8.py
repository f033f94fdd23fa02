"""Segments that split, join and break UTF-8 sequences across tokens."""

from typing import Final

from hypothesis import strategies as st

from tests.strategies.segments import Bytes, Fragment, Segment, Text

_CHARACTERS: Final = ("é", "日", "😀", "\U0010ffff", "\x00", "\ufffd", "\u0301")
_INVALID: Final = (
    b"\xff",
    b"\x80",
    b"\xc0\xaf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xe2\x28\xa1",
    b"\xf0\x9f\xe2\x82\xac",
)


def broken_utf8() -> st.SearchStrategy[bytes]:
    """Bytes that are rarely valid UTF-8: truncated, malformed or preceded by stray bytes."""
    cut = st.tuples(st.sampled_from(_CHARACTERS), st.integers(min_value=0, max_value=3)).map(
        lambda pair: pair[0].encode()[: pair[1]]
    )
    whole = st.sampled_from(_CHARACTERS).map(str.encode)
    pieces = st.one_of(cut, whole, st.sampled_from(_INVALID), st.binary(max_size=3))
    return st.lists(pieces, max_size=5).map(b"".join)


def byte_segments() -> st.SearchStrategy[Segment]:
    """Segments whose tokens may be partial characters."""
    return st.one_of(
        broken_utf8().map(Bytes),
        st.sampled_from(_CHARACTERS).map(lambda character: Bytes(character.encode())),
        st.integers(min_value=0, max_value=9999).map(Fragment),
        st.sampled_from(["a", " b", "é", "日本"]).map(Text),
    )
