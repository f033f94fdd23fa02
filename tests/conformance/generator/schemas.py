"""Render: parameters of tools, which are JSON Schemas shown as TypeScript."""

import json
from typing import Any, Final

from .calls import Calls
from .contract import tool, with_functions
from .renders import bad_message
from .vector import Vector

_STRING: Final = {"type": "string"}


def _of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_SCHEMAS: Final[dict[str, Any]] = {
    "no-parameters": {},
    "no-properties": {"type": "object"},
    "empty-properties": _of(),
    "one-property": _of(city=_STRING),
    "required": {**_of(a=_STRING, b=_STRING, c=_STRING), "required": ["a", "c"]},
    "required-but-unknown": {**_of(a=_STRING), "required": ["b"]},
    "order-of-properties": _of(zebra=_STRING, ape=_STRING, Mole=_STRING),
    "every-simple-type": _of(
        a=_STRING,
        b={"type": "number"},
        c={"type": "integer"},
        d={"type": "boolean"},
        e={"type": "null"},
        f={"type": "array"},
        g={"type": "object"},
        h={"type": "something"},
        i={},
    ),
    "description": _of(city={**_STRING, "description": "The city."}),
    "description-of-several-lines": _of(city={**_STRING, "description": "The city.\nOr\r\nnot.\n"}),
    "description-empty": _of(city={**_STRING, "description": ""}),
    "description-of-the-whole": {**_of(city=_STRING), "description": "What to look up."},
    "description-of-an-object": _of(place={**_of(city=_STRING), "description": "Where."}),
    "title": _of(city={**_STRING, "title": "City"}),
    "title-and-description": _of(city={**_STRING, "title": "City", "description": "The city."}),
    "examples": _of(city={**_STRING, "examples": ["Oslo", "Graz"]}),
    "examples-of-every-kind": _of(a={"examples": [1, 2.5, True, None, "x", [1], {"k": "v"}]}),
    "every-comment": {
        **_of(
            city={
                **_STRING,
                "title": "City",
                "description": "The city.",
                "examples": ["Oslo"],
                "default": "Graz",
            }
        ),
        "required": ["city"],
    },
    "default-string": _of(a={**_STRING, "default": "x"}),
    "default-number": _of(a={"type": "number", "default": 1.5}),
    "default-integer": _of(a={"type": "integer", "default": 3}),
    "default-boolean": _of(a={"type": "boolean", "default": False}),
    "default-array": _of(a={"type": "array", "items": _STRING, "default": ["x", 1]}),
    "default-object": _of(a={"type": "object", "default": {"k": [1, {"l": None}]}}),
    "default-of-an-enum": _of(a={**_STRING, "enum": ["x", "y"], "default": "y"}),
    "default-with-quotes": _of(a={**_STRING, "default": 'say "hi"\n\\ é'}),
    "enum": _of(unit={**_STRING, "enum": ["celsius", "fahrenheit"]}),
    "enum-of-one": _of(unit={**_STRING, "enum": ["celsius"]}),
    "enum-empty": _of(unit={**_STRING, "enum": []}),
    "enum-of-mixed-kinds": _of(a={**_STRING, "enum": ["x", 1, None]}),
    "enum-with-quotes": _of(a={**_STRING, "enum": ['a"b', "c\\d", "e\nf"]}),
    "enum-of-numbers": _of(a={"type": "integer", "enum": [1, 2]}),
    "enum-without-a-type": _of(a={"enum": ["x", "y"]}),
    "nullable": _of(a={**_STRING, "nullable": True}),
    "nullable-false": _of(a={**_STRING, "nullable": False}),
    "nullable-enum": _of(a={**_STRING, "enum": ["x"], "nullable": True, "default": "x"}),
    "nullable-array": _of(a={"type": "array", "items": _STRING, "nullable": True}),
    "types": _of(a={"type": ["string", "null"]}),
    "types-with-integer": _of(a={"type": ["integer", "number", "string"]}),
    "types-empty": _of(a={"type": []}),
    "types-of-an-enum": _of(a={"type": ["string", "null"], "enum": ["x", None]}),
    "array-of-strings": _of(a={"type": "array", "items": _STRING}),
    "array-of-integers": _of(a={"type": "array", "items": {"type": "integer"}}),
    "array-of-arrays": _of(
        a={"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}
    ),
    "array-of-enums": _of(a={"type": "array", "items": {**_STRING, "enum": ["x", "y"]}}),
    "array-of-objects": _of(a={"type": "array", "items": _of(b=_STRING)}),
    "array-of-one-of": _of(a={"type": "array", "items": {"oneOf": [_STRING, {"type": "integer"}]}}),
    "array-of-anything": _of(a={"type": "array", "items": {}}),
    "nested-objects": {
        **_of(
            where={
                **_of(city=_STRING, at={**_of(lat={"type": "number"}), "required": ["lat"]}),
                "required": ["at"],
            }
        ),
        "required": ["where"],
    },
    "one-of": _of(a={"oneOf": [_STRING, {"type": "integer"}]}),
    "one-of-with-comments": _of(
        a={
            "description": "Which.",
            "default": "x",
            "oneOf": [
                {**_STRING, "description": "By name.", "default": "x"},
                {"type": "integer", "description": "By number.\nFrom 0."},
                {"type": "boolean", "default": True},
            ],
        }
    ),
    "one-of-with-enums": _of(
        a={"oneOf": [{**_STRING, "enum": ["x", "y"]}, {"type": "null"}], "nullable": True}
    ),
    "one-of-with-objects": _of(
        a={"oneOf": [_of(b=_STRING), {"type": "array", "items": {"type": "integer"}}]}
    ),
    "one-of-required": {**_of(a={"oneOf": [_STRING]}), "required": ["a"]},
    "one-of-empty": _of(a={"oneOf": []}),
    "one-of-at-the-top": {"oneOf": [_of(a=_STRING), _of(b=_STRING)]},
    "one-of-beside-a-type": _of(a={"type": "string", "oneOf": [{"type": "integer"}]}),
    "any-of": _of(a={"anyOf": [_STRING, {"type": "null"}]}),
    "all-of-and-ref-and-const": _of(
        a={"allOf": [_STRING]}, b={"$ref": "#/$defs/x"}, c={"const": "x"}
    ),
    "not-an-object": {"type": "string", "enum": ["x"]},
    "unicode": _of(ville={**_STRING, "description": "La ville où l’on est. 🏙️"}),
    "odd-names": _of(**{"a b": _STRING, "c-d": _STRING, "": _STRING, '"': _STRING}),
    "spellings-stay-text": _of(a={**_STRING, "description": "<|end|>", "default": "<|start|>"}),
}
# Texts that would not survive a round trip through Python's json.
_TEXTS: Final = {
    "null": "null",
    "white-space": ' {\n\t"type" : "object" ,\r\n "properties" : { } } ',
    "numbers-keep-their-kind": (
        '{"type":"object","properties":{"a":{"type":"number","default":1.0},'
        '"b":{"type":"number","default":-0.0},"c":{"default":1e2},"d":{"default":10},'
        '"e":{"default":1e-7},"f":{"default":123456789.125}}}'
    ),
    "escapes": (
        '{"type":"object","properties":{"\\u00e9":{"type":"string",'
        '"description":"\\ud83e\\udee1 \\u0041\\/","default":"\\t\\u0001"}}}'
    ),
}
_LEVELS = 120
_BAD_TEXTS: Final = {
    "empty": "",
    "cut-off": '{"type":',
    "trailing-comma": '{"a":1,}',
    "array": "[]",
    "string": '"text"',
    "number": "5",
    "true": "true",
    "nan": '{"a":NaN}',
    "infinity": '{"a":-Infinity}',
    "too-large-a-number": '{"a":1e999}',
    "duplicate-key": '{"a":1,"b":2,"a":3}',
    "duplicate-key-in-other-spelling": '{"x":{"b":1,"\\u0062":2}}',
    "lone-surrogate": '{"a":"\\ud800"}',
    "nested-too-deep": '{"a":' * _LEVELS + "{}" + "}" * _LEVELS,
}


def render_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of schemas, one rule at a time, and of texts that are not schemas."""
    deepest = '{"a":' * (_LEVELS - 1) + "{}" + "}" * (_LEVELS - 1)
    texts = {
        **{name: json.dumps(schema, ensure_ascii=False) for name, schema in _SCHEMAS.items()},
        **_TEXTS,
        "nested-as-deep-as-may-be": deepest,
    }
    path = "content[0].developer.tools[0].tools[1].parameters_json"
    return [
        *[calls.render(f"schema/{name}", _with(parameters)) for name, parameters in texts.items()],
        *[
            bad_message(
                f"schema-{name}", with_functions(tool("f"), tool("g", "Does it.", bad)), path
            )
            for name, bad in _BAD_TEXTS.items()
        ],
    ]


def _with(parameters: str) -> Any:
    return with_functions(tool("f", "Does it.", parameters))
