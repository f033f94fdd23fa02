"""Schemas shown as types, rule by rule, with results taken from the reference."""

from typing import Any

import pytest

from harmony_server.core import typescript
from tests.core.prompts import property_text, type_text


def test_an_empty_schema_is_any() -> None:
    """An empty schema is `any`."""
    assert type_text({}) == "any"


def test_an_object_without_properties_is_two_braces() -> None:
    """An object without properties is two braces, each on its own line."""
    assert type_text({"type": "object"}) == "{\n}"


def test_properties_that_are_not_an_object_are_ignored() -> None:
    """A malformed `properties` member counts as none."""
    assert type_text({"type": "object", "properties": 5}) == "{\n}"


def test_properties_keep_the_order_of_the_schema() -> None:
    """Properties keep the schema's order, one per line, each with a comma."""
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}}
    assert type_text(schema) == "{\nb?: string,\na?: number,\n}"


def test_property_names_are_never_quoted() -> None:
    """Property names are not quoted, whatever characters they have."""
    properties = {"a b": {"type": "string"}, "": {"type": "string"}, 'é"': {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    assert type_text(schema) == '{\na b?: string,\n?: string,\né"?: string,\n}'


def test_a_required_property_has_no_question_mark() -> None:
    """A property named in `required` has no question mark; non-strings there are skipped."""
    assert property_text({"type": "string"}, required=["p", "q", 5]) == "p: string,"


def test_a_required_member_that_is_not_a_list_is_ignored() -> None:
    """A malformed `required` member makes every property optional."""
    assert property_text({"type": "string"}, required="p") == "p?: string,"


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("string", "string"),
        ("number", "number"),
        ("integer", "number"),
        ("boolean", "boolean"),
        ("array", "Array<any>"),
        ("null", "any"),
        ("foo", "any"),
        (5, "any"),
    ],
)
def test_simple_types(kind: object, shown: str) -> None:
    """Simple types keep their name, integer is `number`, null and unknown types are `any`."""
    assert property_text({"type": kind}) == f"p?: {shown},"


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "string"}]},
        {"$ref": "#/definitions/x"},
        {"allOf": []},
        {"const": 1},
        {"enum": ["x"]},
        {},
        True,
        5,
        "string",
        None,
    ],
    ids=repr,
)
def test_everything_else_is_any(schema: object) -> None:
    """A schema that matches no rule, or is not an object, is `any`."""
    assert property_text(schema) == "p?: any,"


def test_a_string_enum_is_its_quoted_members() -> None:
    """The strings of an enum are quoted without escapes; other members are left out."""
    schema = {"type": "string", "enum": ["a", 'b"c', 3, None]}
    assert property_text(schema) == 'p?: "a" | "b"c",'


def test_an_enum_without_strings_is_string() -> None:
    """A string type with an enum of numbers is `string`."""
    assert property_text({"type": "string", "enum": [1, 2]}) == "p?: string,"


def test_an_enum_of_numbers_is_number() -> None:
    """A number type does not show its enum."""
    assert property_text({"type": "number", "enum": [1, 2]}) == "p?: number,"


def test_an_array_shows_the_type_of_its_items() -> None:
    """An array is the type of its items followed by brackets."""
    assert property_text({"type": "array", "items": {"type": "integer"}}) == "p?: number[],"


def test_an_array_of_arrays_has_two_pairs_of_brackets() -> None:
    """An array of arrays has two pairs of brackets."""
    items = {"type": "array", "items": {"type": "string"}}
    assert property_text({"type": "array", "items": items}) == "p?: string[][],"


def test_an_array_of_an_enum_has_no_parentheses() -> None:
    """The brackets follow the last member of an enum, without parentheses."""
    items = {"type": "string", "enum": ["a", "b"]}
    assert property_text({"type": "array", "items": items}) == 'p?: "a" | "b"[],'


def test_items_that_are_null_are_any() -> None:
    """A null `items` member counts as a schema, which is `any`."""
    assert property_text({"type": "array", "items": None}) == "p?: any[],"


def test_an_array_at_the_top() -> None:
    """Parameters may be an array."""
    assert type_text({"type": "array", "items": {"type": "string"}}) == "string[]"


def test_an_array_of_objects_indents_the_properties() -> None:
    """The properties of an array's objects are indented by four more spaces."""
    items = {"type": "object", "properties": {"q": {"type": "string", "description": "D"}}}
    assert property_text({"type": "array", "items": items}) == (
        "p?: {\n    // D\n    q?: string,\n    }[],"
    )


def test_an_array_of_unions_indents_the_variants() -> None:
    """The variants of an array's union are indented by five spaces; brackets follow the last."""
    items = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    assert property_text({"type": "array", "items": items}) == (
        "p?: \n     | string\n     | number[],"
    )


def test_a_list_of_types_is_their_names() -> None:
    """A list of types shows each name unchanged, except integer, which is `number`."""
    schema = {"type": ["string", "integer", "null", "array"]}
    assert property_text(schema) == "p?: string | number | null | array,"


def test_types_that_are_not_strings_are_left_out_of_a_list() -> None:
    """Members of a list of types that are not strings are skipped."""
    assert property_text({"type": ["string", 5]}) == "p?: string,"


@pytest.mark.parametrize("kinds", [[], [5]], ids=repr)
def test_a_list_without_type_names_is_any(kinds: list[object]) -> None:
    """A list of types without any name is `any`."""
    assert property_text({"type": kinds}) == "p?: any,"


def test_a_nullable_property() -> None:
    """`nullable` adds ` | null` to the type."""
    assert property_text({"type": "string", "nullable": True}) == "p?: string | null,"


def test_a_property_that_is_not_nullable() -> None:
    """`nullable` false adds nothing."""
    assert property_text({"type": "string", "nullable": False}) == "p?: string,"


def test_a_nullable_array() -> None:
    """`| null` follows the brackets of a nullable array."""
    schema = {"type": "array", "items": {"type": "string"}, "nullable": True}
    assert property_text(schema) == "p?: string[] | null,"


def test_nullable_adds_no_second_null() -> None:
    """A nullable type that already names null gets no second one."""
    assert property_text({"type": ["string", "null"], "nullable": True}) == "p?: string | null,"


def test_nullable_is_misled_by_the_letters_null() -> None:
    """The letters `null` anywhere in the type count as null."""
    schema = {"type": "string", "enum": ["nullify"], "nullable": True}
    assert property_text(schema) == 'p?: "nullify",'


def test_nullable_at_the_top_is_ignored() -> None:
    """The parameters as a whole are never shown as nullable."""
    assert type_text({"type": "object", "nullable": True}) == "{\n}"


def test_a_title_has_an_empty_comment_below() -> None:
    """A title is a comment above the property, followed by an empty comment."""
    assert property_text({"type": "string", "title": "T"}) == "// T\n//\np?: string,"


def test_a_description_is_a_comment_above() -> None:
    """A description is a comment above the property."""
    assert property_text({"type": "string", "description": "D"}) == "// D\np?: string,"


def test_an_empty_description_is_an_empty_comment() -> None:
    """An empty description is a comment with a trailing space."""
    assert property_text({"type": "string", "description": ""}) == "// \np?: string,"


def test_only_the_first_line_of_a_description_is_commented() -> None:
    """Only the first line of a property's description is marked as a comment."""
    schema = {"type": "string", "description": "a\nb\r\nc"}
    assert property_text(schema) == "// a\nb\r\nc\np?: string,"


def test_the_order_of_comments() -> None:
    """Title, description and examples come before the property, the default after it."""
    schema = {
        "default": "x",
        "examples": ["a", 5, "b"],
        "description": "D",
        "title": "T",
        "type": "string",
    }
    assert property_text(schema) == (
        '// T\n//\n// D\n// Examples:\n// - "a"\n// - "b"\np?: string, // default: "x"'
    )


def test_examples_that_are_not_strings_leave_the_heading() -> None:
    """Examples that are not strings are left out, but their heading stays."""
    assert property_text({"type": "string", "examples": [5]}) == "// Examples:\np?: string,"


@pytest.mark.parametrize("examples", [[], "x"], ids=repr)
def test_empty_examples_have_no_heading(examples: object) -> None:
    """An empty or malformed list of examples is not shown."""
    assert property_text({"type": "string", "examples": examples}) == "p?: string,"


def test_a_default_that_is_a_string_is_not_escaped() -> None:
    """A string default is quoted without escapes."""
    schema = {"type": "string", "default": 'a"b\\c\nd'}
    assert property_text(schema) == 'p?: string, // default: "a"b\\c\nd"'


def test_the_default_of_an_enum_has_no_quotes() -> None:
    """A string default of an enum is not quoted."""
    schema = {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert property_text(schema) == 'p?: "a" | "b", // default: a'


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (1, "1"),
        (1.0, "1.0"),
        (1e16, "1e16"),
        (None, "null"),
        (True, "true"),
        ([1, "é\n", None, {"a": 1.5}], '[1,"é\\n",null,{"a":1.5}]'),
        ({"b": 1, "a": "\u2028/\x7f"}, '{"b":1,"a":"\u2028/\x7f"}'),
    ],
    ids=repr,
)
def test_other_defaults_are_compact_json(default: object, shown: str) -> None:
    """Any other default is JSON without spaces and with as few escapes as possible."""
    assert property_text({"type": "boolean", "default": default}) == (
        f"p?: boolean, // default: {shown}"
    )


def test_a_default_of_an_enum_of_numbers_is_json() -> None:
    """A default that is not a string is JSON beside an enum too."""
    schema = {"type": "number", "enum": [1], "default": 1}
    assert property_text(schema) == "p?: number, // default: 1"


def test_an_object_at_the_top_shows_its_description() -> None:
    """The description of the parameters comes before the opening brace."""
    schema = {"type": "object", "description": "D", "properties": {"q": {"type": "string"}}}
    assert type_text(schema) == "// D\n{\nq?: string,\n}"


def test_a_nested_object_is_indented() -> None:
    """The properties and the closing brace of a nested object are indented by four spaces."""
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    assert property_text(schema) == "p?: {\n    q?: string,\n    },"


def test_a_nested_object_repeats_its_description() -> None:
    """A nested object's description appears above the property and again after its name."""
    inner = {"type": "object", "description": "E", "properties": {"r": {"type": "string"}}}
    schema = {"type": "object", "description": "D", "properties": {"q": inner}}
    assert property_text(schema) == (
        "// D\n"
        "p?:     // D\n"
        "{\n"
        "    // E\n"
        "    q?:         // E\n"
        "{\n"
        "        r?: string,\n"
        "        },\n"
        "    },"
    )


def test_an_array_of_objects_repeats_the_description_of_the_items() -> None:
    """The description of an array's items appears after the property's name."""
    items = {"type": "object", "description": "I", "properties": {"q": {"type": "string"}}}
    schema = {"type": "array", "description": "L", "items": items}
    assert property_text(schema) == "// L\np?:     // I\n{\n    q?: string,\n    }[],"


def test_a_union_at_the_top_has_one_variant_per_line() -> None:
    """Each variant has its own line, followed by its description and default."""
    variants = [{"type": "string", "description": "S", "default": "x"}, {"type": "number"}]
    assert type_text({"oneOf": variants}) == '\n | string // S default: "x"\n | number'


def test_a_union_at_the_top_quotes_the_default_of_an_enum() -> None:
    """At the top, unlike in a property, the default of an enum is quoted."""
    variants = [{"type": "string", "enum": ["a"], "default": "a"}, {"type": "string"}]
    assert type_text({"oneOf": variants}) == '\n | "a" // default: "a"\n | string'


def test_a_union_comes_before_the_type() -> None:
    """`oneOf` takes precedence over `type` and hides the properties."""
    schema = {"type": "object", "oneOf": [{"type": "string"}], "properties": {"p": {}}}
    assert type_text(schema) == "\n | string"


def test_an_empty_union_at_the_top_is_nothing() -> None:
    """A union without variants at the top is empty."""
    assert type_text({"oneOf": []}) == ""


def test_a_union_that_is_not_a_list_is_ignored_at_the_top() -> None:
    """A `oneOf` at the top that is not a list is ignored."""
    assert type_text({"oneOf": 5, "type": "object"}) == "{\n}"


@pytest.mark.parametrize(("required", "label"), [(["p"], "p"), ([], "p?")])
def test_a_property_with_a_union(required: list[str], label: str) -> None:
    """The variants follow below the property's name, and the comma has its own line."""
    schema = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    assert property_text(schema, required=required) == f"{label}:\n | string\n | number\n,"


def test_a_property_with_an_empty_union() -> None:
    """A property with an empty union is just its name and a comma."""
    assert property_text({"oneOf": []}) == "p?:\n,"


def test_a_described_union_hides_the_description_of_its_first_variant() -> None:
    """If the union has a description, the first variant's is left out; others keep theirs."""
    variants = [
        {"type": "string", "description": "A"},
        {"type": "number", "description": "B", "default": 5},
    ]
    assert property_text({"description": "D", "oneOf": variants}) == (
        "// D\np?:\n | string\n | number // B default: 5\n,"
    )


def test_a_union_without_description_shows_those_of_its_variants() -> None:
    """If the union has no description, every variant shows its own."""
    variants = [{"type": "string", "description": "A"}, {"type": "number", "description": "B"}]
    assert property_text({"oneOf": variants}) == "p?:\n | string // A\n | number // B\n,"


def test_a_description_that_the_first_variant_repeats_is_not_shown() -> None:
    """A union's description that equals its first variant's is not shown at all."""
    variants = [{"type": "string", "description": "D"}, {"type": "number", "description": "D"}]
    assert property_text({"description": "D", "oneOf": variants}) == (
        "p?:\n | string\n | number\n,"
    )


def test_a_later_variant_does_not_repeat_the_description_above() -> None:
    """A later variant's description that equals the union's is left out."""
    variants = [{"type": "string", "description": "A"}, {"type": "number", "description": "D"}]
    assert property_text({"description": "D", "oneOf": variants}) == (
        "// D\np?:\n | string\n | number\n,"
    )


def test_the_default_of_a_union_is_a_comment_above() -> None:
    """The default of a property with a union is a comment above it."""
    schema = {"description": "D", "default": "x", "oneOf": [{"type": "string"}]}
    assert property_text(schema) == '// D\n// default: "x"\np?:\n | string\n,'


def test_the_default_of_an_enum_in_a_union_has_no_quotes() -> None:
    """In a property, the default of an enum is not quoted, above or beside the variants."""
    variants = [{"type": "string", "enum": ["x"], "default": "x"}]
    assert property_text({"default": "x", "enum": ["x"], "oneOf": variants}) == (
        '// default: x\np?:\n | "x" // default: x\n,'
    )


def test_an_object_in_a_union_is_indented_by_three() -> None:
    """The properties of an object among the variants are indented by three spaces."""
    variant = {"type": "object", "properties": {"q": {"type": "string", "description": "Q"}}}
    assert property_text({"oneOf": [variant, {"type": "null"}]}) == (
        "p?:\n | {\n   // Q\n   q?: string,\n   }\n | any\n,"
    )


def test_nullable_applies_to_a_variant_and_not_to_the_union() -> None:
    """`nullable` adds null to a variant, but not to the union."""
    schema = {"nullable": True, "oneOf": [{"type": "string", "nullable": True}]}
    assert property_text(schema) == "p?:\n | string | null\n,"


def test_title_and_examples_of_a_union_are_comments_above() -> None:
    """Title and examples of a property with a union are comments above it."""
    schema = {"title": "T", "examples": ["e"], "oneOf": [{"type": "string"}]}
    assert property_text(schema) == '// T\n//\n// Examples:\n// - "e"\np?:\n | string\n,'


def test_a_union_that_is_not_a_list_hides_description_and_default() -> None:
    """A property whose `oneOf` is not a list shows neither description nor default."""
    schema = {"oneOf": 5, "type": "string", "description": "D", "default": "x"}
    assert property_text(schema) == "p?: string,"


def _nested(examples: int, levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"examples": [""] * examples}},
    }
    for _ in range(levels):
        schema = {"oneOf": [schema]}
    return schema


def test_nothing_is_written_beyond_the_bound() -> None:
    """A type stops growing at the bound: what is written and watched never exceeds it."""
    watched: list[int] = []
    with pytest.raises(typescript.TypeTooLongError):
        typescript.schema_to_type(_nested(100_000, 50), watched.append)
    assert 1_000_000 < sum(watched) <= 1_048_576


def test_text_is_watched_once_however_deep_it_is() -> None:
    """Each character of a type is written once, not once for each level of nesting."""
    watched: list[int] = []
    text = typescript.schema_to_type(_nested(1000, 50), watched.append)
    assert sum(watched) == len(text)
    # Steps that allow to stop in between.
    assert max(watched) < 10_000


def test_watching_can_end_the_work() -> None:
    """An exception of the watch ends the work."""

    def stop(_size: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        typescript.schema_to_type(_nested(1000, 50), stop)


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": ["nul", "l"], "nullable": True}, "p?: nul | l | null,"),
        ({"type": ["null"], "nullable": True}, "p?: null,"),
        (
            {"type": "object", "nullable": True, "description": "not null"},
            "// not null\np?:     // not null\n{\n    },",
        ),
    ],
)
def test_null_is_added_unless_the_type_has_the_word(schema: object, shown: str) -> None:
    """`nullable` adds null unless the type, comments included, has that word already."""
    assert property_text(schema) == shown
