"""Texts of schemas that leave their comment or string in the prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core.schema_texts import find_escapes
from tests.core.prompts import type_text


def _in_property(schema: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": {"p": schema}}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"description": "a\nb"}, "description"),
        ({"title": "a\r"}, "title"),
        ({"examples": ["a", 'a"']}, "examples[1]"),
        ({"examples": ["\u2028"]}, "examples[0]"),
        ({"default": 'a"'}, "default"),
        ({"default": "a\n", "enum": ["a"]}, "default"),
        ({"type": "string", "enum": ["a\n"]}, "enum[0]"),
        ({"type": ["string", "a\n"]}, "type[1]"),
        ({"type": "object", "properties": {"a\nb": {}}}, "properties['a\\nb']"),
        ({"type": "array", "items": {"type": ["a\n"]}}, "items.type[0]"),
        ({"oneOf": [{}, {"description": "\n"}]}, "oneOf[1].description"),
    ],
    ids=str,
)
def test_texts_that_leave_their_place(schema: dict[str, object], path: str) -> None:
    """Each text that has a line end, or a quote inside quotes, is named by its path."""
    assert list(find_escapes(_in_property(schema))) == [f"properties['p'].{path}"]


_TEXTS = st.text('ab"\n\r\u2028 /', max_size=3)


@given(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "description": _TEXTS,
            "title": _TEXTS,
            "examples": st.lists(_TEXTS, max_size=2),
            "default": _TEXTS,
            "enum": st.lists(_TEXTS, max_size=2),
        },
    )
)
def test_a_schema_without_them_has_the_lines_of_its_rules(schema: dict[str, object]) -> None:
    """What is not named stays in its line: each line is a comment or the property itself."""
    if list(find_escapes(_in_property(schema))):
        return
    lines = type_text(_in_property(schema)).splitlines()
    assert lines[0] == "{"
    assert lines[-1] == "}"
    assert all(line.startswith(("//", "p?: ")) for line in lines[1:-1])
    assert sum(line.startswith("p?: ") for line in lines) == 1


def test_deep_schemas_are_searched() -> None:
    """Nesting is no limit."""
    schema: dict[str, object] = {"description": "\n"}
    for _ in range(5000):
        schema = {"items": schema}
    assert list(find_escapes(schema)) == ["items." * 5000 + "description"]
