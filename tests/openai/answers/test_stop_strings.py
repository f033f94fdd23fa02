"""Stop strings, against a search in the whole text."""

from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.answers.stop_strings import StopMatcher, StopStrings

_TEXTS = st.text("ab", max_size=30)


def _before_first_complete(text: str, strings: list[str]) -> str | None:
    """Returns the text before the stop string that is complete first and begins first."""
    for end in range(1, len(text) + 1):
        begins = [end - len(string) for string in strings if text[:end].endswith(string)]
        if begins:
            return text[: min(begins)]
    return None


@given(_TEXTS, st.lists(st.text("ab", min_size=1, max_size=5), min_size=1), st.data())
def test_a_stop_string_is_found_however_the_text_is_cut(
    text: str, strings: list[str], data: st.DataObject
) -> None:
    """The text before it is sent, no more; without one all text is, at the end at last."""
    matcher = StopMatcher(StopStrings(strings))
    sent = ""
    rest = text
    while rest and not matcher.is_matched:
        size = data.draw(st.integers(1, len(rest)))
        sent += matcher.add(rest[:size])
        rest = rest[size:]
        if not matcher.is_matched:
            held = text[len(sent) : len(text) - len(rest)]
            assert not held or any(string.startswith(held) for string in strings)
    expected = _before_first_complete(text, strings)
    assert matcher.is_matched == (expected is not None)
    if expected is None:
        assert sent + matcher.finish() == text
    else:
        assert sent == expected
