"""JSON in bytes: exact, and safe for clients that split at any line end."""

import json

from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.answers.json_bytes import dump, on_one_line, quoted


@given(st.text())
def test_a_string_reads_back(text: str) -> None:
    """Any text reads back as it was, and stands on one line, however a client splits."""
    written = quoted(text).decode()
    assert json.loads(written) == text
    assert len(written.splitlines()) == 1
    assert json.loads(dump({text: text})) == {text: text}


def test_only_what_must_be_escaped_is() -> None:
    """Quotes, backslashes, control characters and line ends are escaped; the rest is UTF-8."""
    assert quoted('"\\/\b\f\n\r\t\x00\x1f\x7f é 你 🦄').decode() == (
        '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f é 你 🦄"'
    )
    assert quoted("\x85\u2028\u2029") == b'"\\u0085\\u2028\\u2029"'


def test_lone_surrogates_are_replaced() -> None:
    """UTF-8 has no lone surrogates: they become U+FFFD, and pairs the character they are."""
    assert json.loads(quoted("a\ud83db")) == "a\ufffdb"
    assert json.loads(quoted("\ud83e\udd84 \udd84")) == "🦄 \ufffd"


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_json_on_one_line_is_the_same(value: object) -> None:
    """Line ends between the parts of a JSON text become blanks."""
    text = json.dumps(value, indent=1, ensure_ascii=False).replace("\n", "\r\n")
    written = on_one_line(text).decode()
    assert json.loads(written) == value
    assert len(written.splitlines()) == 1
