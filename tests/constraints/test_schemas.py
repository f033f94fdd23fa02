"""JSON Schemas: what is enforced, and what a notice says is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmony_server.core import HarmonyEncoding
from harmony_server.core.constraints import (
    ConstraintFormat,
    ConstraintNotice,
    NoticeReason,
    SamplingConstraintOptions,
    ToolChoiceMode,
    build_sampling_constraint,
)
from harmony_server.core.constraints.schema import is_portable_pattern
from harmony_server.core.errors import ConstraintLimitError
from harmony_server.core.tokenizer import RETURN

from .engines import GRAMMAR_ENGINES, QUICK
from .matchers import Engine
from .turns import conversation, first_refused, tokens_of

KEYWORD = NoticeReason.KEYWORD_NOT_ENFORCED
LENGTH = NoticeReason.LENGTH_NOT_ENFORCED
SCHEMA = NoticeReason.SCHEMA_NOT_ENFORCED
ANY_OF = NoticeReason.ONE_OF_AS_ANY_OF
FIELD = "options.response_schema_json"
GRAMMARS = [one for one in ConstraintFormat if one is not ConstraintFormat.TOKEN_AUTOMATON]

_OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
# Nothing fits these, or they cannot be understood.
_UNFIT: dict[str, dict[str, Any]] = {
    "reference to nowhere": {"$ref": "#/$defs/a"},
    "reference to itself": {"$ref": "#"},
    "circle of references": {
        "anyOf": [{"$ref": "#/$defs/a"}],
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}},
    },
    "no finite value": {
        "type": "object",
        "properties": {"next": {"$ref": "#"}},
        "required": ["next"],
    },
    "nothing fits": {"enum": []},
    "contradiction": {"type": "string", "minLength": 3, "maxLength": 2},
    "required but forbidden": {
        "type": "object",
        "required": ["a"],
        "additionalProperties": False,
    },
    "unknown type": {"type": "text"},
    "required that are no names": {"type": "object", "required": [[], 1]},
    "properties that are none": {"properties": []},
    "lone surrogate": {"enum": ["a", {"b": [None]}], "type": "strin"},
}
# A schema, and the notices of EBNF and GBNF, and of Lark: reason, pointer, keyword.
NOTICES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {
    "none": ({**_OBJECT, "required": ["a"], "title": "T", "$schema": "x", "default": {}}, [], []),
    **{
        keyword: ({"type": kind, keyword: value}, [(KEYWORD, f"/{keyword}", keyword)], [])
        for kind, keyword, value in (
            ("string", "pattern", "^a+$"),
            ("string", "format", "date"),
            ("number", "minimum", 1),
            ("integer", "maximum", 9),
            ("number", "exclusiveMinimum", 1),
            ("number", "exclusiveMaximum", 9),
            ("integer", "multipleOf", 2),
        )
    },
    **{
        keyword: (
            {"type": kind, keyword: value},
            [(KEYWORD, f"/{keyword.replace('/', '~1')}", keyword)],
            [(KEYWORD, f"/{keyword}", keyword)],
        )
        for kind, keyword, value in (
            ("string", "not", {"const": "a"}),
            ("string", "if", {"const": "a"}),
            ("array", "uniqueItems", True),
            ("array", "contains", {"const": 1}),
            ("array", "unevaluatedItems", False),
            ("object", "patternProperties", {"^a": True}),
            ("object", "propertyNames", {"maxLength": 3}),
            ("object", "minProperties", 1),
            ("object", "maxProperties", 1),
            ("object", "dependentRequired", {"a": ["b"]}),
            ("object", "dependentSchemas", {"a": True}),
            ("object", "dependencies", {"a": ["b"]}),
            ("object", "unevaluatedProperties", False),
        )
    },
    "pattern that engines read differently": (
        {"type": "string", "pattern": "(?=a)a"},
        [(KEYWORD, "/pattern", "pattern")],
        [(KEYWORD, "/pattern", "pattern")],
    ),
    "unknown format": (
        {"type": "string", "format": "color"},
        [(KEYWORD, "/format", "format")],
        [(KEYWORD, "/format", "format")],
    ),
    "keywords of a wrong type": (
        {"type": "string", "format": [], "pattern": {}, "minLength": "a", "maxLength": -1},
        [
            (KEYWORD, f"/{keyword}", keyword)
            for keyword in ("format", "pattern", "minLength", "maxLength")
        ],
        [
            (KEYWORD, f"/{keyword}", keyword)
            for keyword in ("format", "pattern", "minLength", "maxLength")
        ],
    ),
    "format and length": (
        {"type": "string", "format": "date", "maxLength": 3},
        [(KEYWORD, "/format", "format")],
        [(KEYWORD, "/maxLength", "maxLength")],
    ),
    "harmless": ({"type": "array", "uniqueItems": False, "items": {}}, [], []),
    "large lengths": (
        {"type": "array", "maxItems": 65, "items": {"type": "string", "maxLength": 65}},
        [(LENGTH, "/maxItems", "maxItems"), (LENGTH, "/items/maxLength", "maxLength")],
        [],
    ),
    "oneOf": (
        {"properties": {"a/b": {"oneOf": [{"type": "string"}, {"type": "null"}]}}},
        [(ANY_OF, "/properties/a~1b/oneOf", "oneOf")],
        [(ANY_OF, "/properties/a~1b/oneOf", "oneOf")],
    ),
    "single allOf": ({"allOf": [_OBJECT]}, [], []),
    "allOf that can be merged": (
        {"allOf": [_OBJECT, {"required": ["a"], "properties": {"b": {"type": "null"}}}]},
        [],
        [],
    ),
    "allOf that cannot": (
        {"type": "object", "allOf": [{"anyOf": [_OBJECT]}, {"anyOf": [_OBJECT, True]}]},
        [(KEYWORD, "/allOf", "allOf")],
        [(KEYWORD, "/allOf", "allOf")],
    ),
    "remote reference": (
        {"properties": {"a": {"$ref": "https://example.com/s"}}},
        [(KEYWORD, "/properties/a/$ref", "$ref")],
        [(KEYWORD, "/properties/a/$ref", "$ref")],
    ),
    **{name: (schema, [(SCHEMA, "", "")], [(SCHEMA, "", "")]) for name, schema in _UNFIT.items()},
}


@pytest.mark.parametrize("case", NOTICES)
@pytest.mark.parametrize("constraint_format", GRAMMARS)
def test_notices(case: str, constraint_format: ConstraintFormat, encoding: HarmonyEncoding) -> None:
    """Each keyword that a format does not enforce has a notice with its place, and no other has."""
    schema, by_rules, by_lark = NOTICES[case]
    expected = by_lark if constraint_format is ConstraintFormat.LLGUIDANCE_LARK else by_rules
    constraint = build_sampling_constraint(
        conversation(),
        constraint_format,
        SamplingConstraintOptions(response_schema_json=json.dumps(schema)),
        encoding=encoding,
    )
    notices = [notice for notice in constraint.notices if notice.field == FIELD]
    assert notices == [
        ConstraintNotice(reason, FIELD, pointer, keyword) for reason, pointer, keyword in expected
    ]


@pytest.mark.parametrize("case", NOTICES)
def test_llguidance_takes_what_is_left(
    case: str, encoding: HarmonyEncoding, llguidance: Engine
) -> None:
    """Pruned, each schema is one that llguidance takes: it refuses a grammar over one keyword."""
    _judge(llguidance, encoding, NOTICES[case][0])


def test_the_automaton_has_one_notice(encoding: HarmonyEncoding) -> None:
    """A token automaton says that bodies are text."""
    constraint = build_sampling_constraint(
        conversation(), ConstraintFormat.TOKEN_AUTOMATON, encoding=encoding
    )
    assert constraint.notices == (ConstraintNotice(NoticeReason.BODIES_NOT_ENFORCED),)


@pytest.mark.parametrize("pattern", ["^a+$", "[a-z]{2,5}", r"\d+|(?:x\.y)?", r"^\w+@\w+\.com$"])
def test_portable_patterns(pattern: str) -> None:
    """Literals, classes, groups and repetitions are portable."""
    assert is_portable_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(?=a)", r"\bword", r"(a)\1", "a^b", "(", "a**", r"\p{L}", "a{1000}", "[[:alpha:]]"]
)
def test_other_patterns(pattern: str) -> None:
    """Look-arounds, references, anchors inside and the like are not."""
    assert not is_portable_pattern(pattern)


def _judge(
    engine: Engine, encoding: HarmonyEncoding, schema: Any, **options: Any
) -> Callable[[str], bool]:
    """Returns what tells whether the engine accepts a text as an answer under a schema."""
    constraint = build_sampling_constraint(
        conversation(),
        engine.format,
        SamplingConstraintOptions(
            response_schema_json=json.dumps(schema),
            tool_choice=ToolChoiceMode.NONE,
            **options,
        ),
        encoding=encoding,
    )
    engine.start(constraint)
    header = tokens_of(encoding, "<|channel|>final<|message|>")

    def accepts(text: str) -> bool:
        tokens = [*header, *encoding.encode_ordinary(text), RETURN]
        return first_refused(engine.start(constraint), tokens) is None

    return accepts


# What a schema accepts and refuses.
JUDGED: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "closed by default": (_OBJECT, [{}, {"a": "x"}], [{"b": 1}, {"a": 1}, [], "a"]),
    "open without properties": ({"type": "object"}, [{}, {"b": {"c": [1, None]}}], [1]),
    "no properties": ({"type": "object", "properties": {}}, [{}], [{"a": 1}]),
    "order and required": (
        {
            "type": "object",
            "properties": {"a": {}, "b": {}, "c": {}, "d": {}},
            "required": ["b", "d"],
        },
        [{"a": 1, "b": 2, "c": 3, "d": 4}, {"b": 2, "d": 4}, {"a": 1, "b": 2, "d": 4}],
        [{"a": 1, "b": 2}, {"d": 4, "b": 2}, {}, {"b": 2, "c": 3}],
    ),
    "required without a property": (
        {"type": "object", "properties": {"a": {}}, "required": ["z"]},
        [{"z": [1]}, {"a": 1, "z": None}],
        [{}, {"a": 1}],
    ),
    "schema of further properties": (
        {
            "type": "object",
            "properties": {"ab": {"type": "null"}},
            "additionalProperties": {"type": "integer"},
        },
        [{}, {"ab": None}, {"a": 1}, {"abc": 1, "b": 2}, {"ab": None, "": 3}],
        [{"ab": 1}, {"a": None}, {"a": "1"}],
    ),
    "items": (
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        [[1], [1, 2, 3]],
        [[], [1, 2, 3, 4], [1, "a"]],
    ),
    "prefix items": (
        {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}},
        [[], [1], [1, 2], [1, 2, 3, 3]],
        [[2], [1, 3], [1, 2, 2]],
    ),
    "prefix items alone": (
        {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False},
        [[], [1], [1, 2]],
        [[1, 2, 3]],
    ),
    "enough prefix items": (
        {"type": "array", "prefixItems": [{}, {}, {}], "items": False, "minItems": 2},
        [[1, 2], [1, 2, 3]],
        [[], [1], [1, 2, 3, 4]],
    ),
    "constants": (
        {"enum": [None, 1, "a\n\"\\", {"k": [1, {"l": "<|end|>"}]}, [], True]},
        [None, 1, "a\n\"\\", [], True],
        [2, "a", {}, {"k": [1]}, False],
    ),
    "type and constants": ({"type": "string", "enum": ["a", None, 1]}, ["a"], [None, 1]),
    "types": (
        {"type": ["integer", "null", "boolean"]},
        [0, -17, None, True, False],
        [0.5, "a", []],
    ),
    "number": ({"type": "number"}, [0, -1.5, 1e20, 123456], ["1", None]),
    "lengths": (
        {"type": "string", "minLength": 2, "maxLength": 4},
        ["ab", "äöüß", "a<b>", "\n\\\""],
        ["", "a", "abcde"],
    ),
    "least length": ({"type": "string", "minLength": 2}, ["ab", "a" * 100, "<<"], ["", "a"]),
    "anyOf": (
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ["a", ["a", "b"]],
        [1, [1]],
    ),
    "anyOf beside properties": (
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        [{"a": 1}, {"b": 1}, {"a": 1, "b": 2}],
        [{}, {"a": "x"}],
    ),
    "allOf": (
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}},
                {"properties": {"b": {"type": "null"}}, "required": ["b"]},
            ]
        },
        [{"b": None}, {"a": 1, "b": None}],
        [{"a": 1}, {"a": None, "b": None}],
    ),
    "reference with siblings": (
        {
            "$ref": "#/$defs/base",
            "required": ["a"],
            "$defs": {"base": _OBJECT},
        },
        [{"a": "x"}],
        [{}, {"a": 1}],
    ),
    "recursion": (
        {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}},
            "required": ["value"],
        },
        [{"value": 1}, {"value": 1, "next": {"value": 2, "next": {"value": 3}}}],
        [{"value": 1, "next": {}}, {"next": {"value": 1}}],
    ),
    "optional part that nothing fits": (
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/endless"}, "b": {"type": "null"}},
            "$defs": {"endless": {"type": "array", "items": {"$ref": "#/$defs/endless"},
                                  "minItems": 1}},
        },
        [{}, {"b": None}],
        [{"a": []}, {"a": [[]]}],
    ),
    "type left out": ({"properties": {"a": {}}, "required": ["a"]}, [{"a": 1}], [{}, 1]),
}  # fmt: skip


@pytest.fixture(params=GRAMMAR_ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine that reads bodies."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_values_are_judged(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Every engine accepts the values that a schema describes, and no other."""
    wrong = []
    for name, (schema, good, bad) in JUDGED.items():
        accepts = _judge(engine, encoding, schema)
        for value, is_good in [*((one, True) for one in good), *((one, False) for one in bad)]:
            for indent in (None, 1):
                written = json.dumps(value, ensure_ascii=False, indent=indent)
                if engine.name != "llguidance":
                    # In EBNF and GBNF, markers are escaped.
                    written = written.replace("<|end|>", "\\u003c|end|>")
                if accepts(written) != is_good:
                    wrong.append((name, written))
    assert wrong == []


def test_open_objects(engine: Engine, encoding: HarmonyEncoding) -> None:
    """With `open_objects`, an object may have others than its properties, but not these twice."""
    schema = {"type": "object", "properties": {"ab": {"type": "integer"}}}
    accepts = _judge(engine, encoding, schema, open_objects=True)
    assert accepts('{"ab":1,"a":"x","abc":null,"b":[]}')
    assert not accepts('{"ab":"x"}')
    assert not accepts('{"a":1,"ab":"x"}')


def test_white_space_is_bounded(engine: Engine, encoding: HarmonyEncoding) -> None:
    """There is at most as much white space between two parts as the options say."""
    accepts = _judge(engine, encoding, _OBJECT, max_json_whitespace=3)
    assert accepts('{"a":\n  "x"}')
    assert not accepts('{"a":\n   "x"}')


_KEYWORDS = st.sampled_from(
    [
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "multipleOf",
        "exclusiveMinimum",
        "not",
        "if",
        "uniqueItems",
        "$defs",
        "a",
        "b",
    ]
)
_NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "",
            "a",
            "object",
            "array",
            "string",
            "number",
            "integer",
            "null",
            "#",
            "#/$defs/a",
            "#/properties/a",
            "#/allOf/0",
            "#/anyOf/1",
            "date",
            "^a*$",
            "(a",
            "https://x",
        ]
    ),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(_KEYWORDS, parts, max_size=4),
    max_leaves=25,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(schema=st.dictionaries(_KEYWORDS, _NONSENSE, max_size=6))
def test_nonsense_is_no_crash(
    schema: dict[str, Any], encoding: HarmonyEncoding, llguidance: Engine
) -> None:
    """Whatever JSON stands where a schema should, the result is one that llguidance takes."""
    for value in GRAMMARS:
        try:
            constraint = build_sampling_constraint(
                conversation(),
                value,
                SamplingConstraintOptions(response_schema_json=json.dumps(schema)),
                encoding=encoding,
            )
        except ConstraintLimitError:
            continue
        if value is llguidance.format:
            llguidance.start(constraint)


# Schemas of the subset that all formats enforce, with values that may fit.

_NAMES = st.sampled_from(["a", "ab", "b c", "<b>", 'q"', "\\", "é", "%", "[1]", "root ::= x"])
_TEXTS = st.text('ab<|>é"\\', max_size=6)
_SCALARS = st.none() | st.booleans() | st.integers(-1000, 1000) | _TEXTS


def _objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    @st.composite
    def build(draw: st.DrawFn) -> Any:
        properties = draw(st.dictionaries(_NAMES, parts, max_size=4))
        required = [name for name in properties if draw(st.booleans())]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": draw(st.booleans() | st.just({"type": "integer"})),
        }

    return build()


def _arrays(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    @st.composite
    def build(draw: st.DrawFn) -> Any:
        minimum = draw(st.integers(0, 2))
        return {
            "type": "array",
            "prefixItems": draw(st.lists(parts, max_size=2)),
            "items": draw(parts),
            "minItems": minimum,
            "maxItems": minimum + draw(st.integers(0, 3)),
        }

    return build()


_SCHEMAS = st.recursive(
    st.sampled_from(["null", "boolean", "integer", "number", "string"]).map(
        lambda name: {"type": name}
    )
    | st.just({"type": ["string", "null"]})
    | st.lists(_SCALARS, min_size=1, max_size=3).map(lambda values: {"enum": values})
    | st.integers(0, 2).map(lambda least: {"type": "string", "minLength": least, "maxLength": 4}),
    lambda parts: (
        _objects(parts)
        | _arrays(parts)
        | st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    ),
    max_leaves=8,
)


@st.composite
def _values(draw: st.DrawFn, schema: Any) -> Any:
    """Draws a value that fits a schema, or nearly does; properties come in the schema's order."""
    if schema is True or draw(st.integers(0, 19)) == 0:
        return draw(_SCALARS)
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "anyOf" in schema:
        return draw(_values(draw(st.sampled_from(schema["anyOf"]))))
    match schema["type"]:
        case "object":
            value = {
                name: draw(_values(part))
                for name, part in schema["properties"].items()
                if name in schema["required"] or draw(st.booleans())
            }
            if draw(st.booleans()):
                value.setdefault("other", draw(st.integers(0, 9)))
            return value
        case "array":
            count = draw(st.integers(max(0, schema["minItems"] - 1), schema["maxItems"]))
            parts = [*schema["prefixItems"], *[schema["items"]] * count][:count]
            return [draw(_values(part)) for part in parts]
        case "string":
            return draw(_TEXTS)
        case "number":
            return draw(st.sampled_from([1, -2.5, 0.125]))
        case "integer":
            return draw(st.integers(-1000, 1000))
        case "boolean":
            return draw(st.booleans())
        case "null":
            return None
    return draw(st.none() | _TEXTS)


def _writable(value: Any, schema: Any) -> bool:
    """Returns whether a value has nothing that a bounded string cannot spell."""
    return "<|" not in json.dumps([value, schema])


@pytest.mark.parametrize("name", [name for name in QUICK if name != "automaton"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_values_are_judged_as_jsonschema_does(
    name: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding, data: st.DataObject
) -> None:
    """Whatever fits a generated schema is accepted, and whatever does not is refused."""
    _compare(request.getfixturevalue(name), encoding, data)


@pytest.mark.long
@pytest.mark.runtimes
@pytest.mark.parametrize("name", ["oldest_xgrammar", "newest_xgrammar", "llama_cpp"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_installed_engines_judge_as_jsonschema_does(
    name: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding, data: st.DataObject
) -> None:
    """As the test above, so that the formats agree with each other."""
    _compare(request.getfixturevalue(name), encoding, data)


def _compare(engine: Engine, encoding: HarmonyEncoding, data: st.DataObject) -> None:
    schema = data.draw(_SCHEMAS)
    validator = jsonschema.Draft202012Validator(schema)
    accepts = _judge(engine, encoding, schema)
    for _ in range(4):
        value = data.draw(_values(schema).filter(lambda value: _writable(value, schema)))
        written = json.dumps(
            value, ensure_ascii=False, indent=data.draw(st.sampled_from([None, 1]))
        )
        assert accepts(written) == validator.is_valid(value), written
