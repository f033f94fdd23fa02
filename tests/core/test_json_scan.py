"""Long JSON is read as `json` reads it, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core import json_scan
from harmony_server.core.json_scan import compact, count_parts, scan

_STRINGS = st.text(max_size=6) | st.sampled_from(['"', "\\", "]},", "{[", "é", "\ud800"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _STRINGS,
    lambda values: st.lists(values, max_size=6) | st.dictionaries(_STRINGS, values, max_size=6),
    max_leaves=60,
)
_TEXTS = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    _VALUES,
    st.booleans(),
    st.none() | st.just(1),
)


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    text = draw(_TEXTS)
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, len(text)))
    return text[:begin] + draw(st.sampled_from(["", "[", "}", ",", '"', "\\", "x"])) + text[end:]


@pytest.fixture(autouse=True, scope="module")
def _small_pieces() -> Any:
    """Makes most texts long enough to be read piece by piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_scan, "MAX_JSON_PARTS_AT_ONCE", 3)
        patch.setattr(json_scan, "MAX_JSON_CHARACTERS_AT_ONCE", 8)
        yield


def _outcome(read: Callable[[], Any]) -> object:
    try:
        return repr(read())
    except json.JSONDecodeError as error:
        return error.pos


@given(_TEXTS | _damaged() | st.text(alphabet='[]{}":,1 \\', max_size=40))
def test_it_reads_what_json_reads(text: str) -> None:
    """A text gives the same value, or an error at the same position."""
    assert _outcome(lambda: scan(text, json.JSONDecoder())) == _outcome(lambda: json.loads(text))


@given(_TEXTS)
def test_hooks_are_called_as_by_json(text: str) -> None:
    """The hook for objects gets the same pairs, duplicates included, innermost first."""
    ours: list[object] = []
    theirs: list[object] = []
    scan(text, json.JSONDecoder(object_pairs_hook=lambda pairs: ours.append(pairs)))
    json.loads(text, object_pairs_hook=lambda pairs: theirs.append(pairs))
    assert ours == theirs


def test_a_check_can_stop_it() -> None:
    """The check runs again and again, and its exception ends the reading."""

    class StoppedError(Exception):
        pass

    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise StoppedError

    with pytest.raises(StoppedError):
        scan(json.dumps([[1] * 9] * 1000), json.JSONDecoder(), check)


@given(_VALUES)
def test_compact_takes_out_only_white_space_between_parts(value: object) -> None:
    """A text with white space becomes the text without any."""
    assert compact(json.dumps(value, indent=1)) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("[]", 2),
        ("[1,2,3]", 4),
        ('{"a":[1,{"b":2}]}', 5),
        ('"' + "," * 50 + '"', 1),
        (r'["\"[,[,",1]', 3),
    ],
)
def test_count_parts(text: str, count: int) -> None:
    """Values count, with one more for an empty list or object; what is in strings does not."""
    assert count_parts(text, 0 if count == 1 else 1) > 0
    assert count_parts(text, count) == count
    assert count_parts("[" + ",".join([text] * 100) + "]", 10) == 11
