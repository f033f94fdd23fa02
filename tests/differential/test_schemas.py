"""Tool parameters give the reference's TypeScript, for any schema."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison
from tests.strategies.json_values import NOTABLE_FLOATS, NOTABLE_INTEGERS
from tests.strategies.nesting import nested_schemas
from tests.strategies.schemas import schemas


def _assert_same_type(both: Comparison, schema: dict[Any, Any] | None) -> None:
    def render(harmony: ModuleType, encoding: Any) -> object:
        return encoding.decode(encoding.render(_message(harmony, schema)))

    both.assert_same(render)


def _message(harmony: ModuleType, schema: dict[Any, Any] | None) -> Any:
    tool = harmony.ToolDescription.new("f", "Does it.", parameters=schema)
    content = harmony.DeveloperContent.new().with_function_tools([tool])
    return harmony.Message.from_role_and_content(harmony.Role.DEVELOPER, content)


@cases("schemas")
@given(schema=schemas())
def test_any_schema_renders_to_the_same_type(both: Comparison, schema: dict[str, Any]) -> None:
    """Any schema, valid or not, gives the same TypeScript."""
    _assert_same_type(both, schema)


@cases("nesting")
@given(schema=nested_schemas())
def test_nesting_is_refused_at_the_same_depth(both: Comparison, schema: dict[str, Any]) -> None:
    """In a single message, nested parameters are refused at the same depth.

    The limit in a conversation is a deviation: docs/parity.md.
    """
    _assert_same_type(both, schema)


@pytest.mark.parametrize("number", [*NOTABLE_FLOATS, *NOTABLE_INTEGERS, 10**309, -(10**400)])
def test_numbers_print_the_same(both: Comparison, number: float) -> None:
    """Numbers that are hard to read or print are printed the same, or refused."""
    _assert_same_type(both, {"type": "object", "properties": {"a": {"default": [number, -number]}}})


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "object", "properties": {1: {"type": "string"}, "b": {}, "1": {}}},
        {"type": "object", "properties": {None: {}, True: {}, 1.5: {}}},
        {"type": "object", "properties": {"a": {"default": (1, 2)}}},
        {"type": "string", "enum": ("a", "b")},
    ],
)
def test_python_values_become_json_first(both: Comparison, schema: dict[Any, Any] | None) -> None:
    """Tuples, and keys that are not strings, are first converted to JSON."""
    _assert_same_type(both, schema)
