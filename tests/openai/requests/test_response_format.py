"""The format of the answer: in the prompt, in the context and as a hint."""

import json
from typing import Any

import pytest

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.prompt import Prompt
from harmony_server.openai.request_errors import BodyErrorReason

from .rendering import (
    USER,
    USER_TEXT,
    chat,
    chat_body,
    conversation,
    function,
    notices,
    refusal,
    respond,
    response_body,
    text,
)

_SCHEMA = '{"type":"object","properties":{"z":{"maximum":1.50},"a":{"minimum":-1E2}}}'
_SPACED = '{ "type": "object",\n"properties": {"z": {"maximum":1.50}, "a": {"minimum": -1E2} } }'


def _developer(*sections: str) -> str:
    body = "\n\n".join(["# Response Formats", *sections])
    return f"<|start|>developer<|message|>{body}<|end|>"


def _chat_and_response(schema: str, extra: str = "") -> list[Prompt]:
    named = f'"name":"Weather report","schema":{schema}{extra}'
    question = json.dumps(USER)
    return [
        chat_body(
            f'{{"model":"m","messages":[{question}],"response_format":'
            f'{{"type":"json_schema","json_schema":{{{named}}}}}}}'
        ),
        response_body(
            f'{{"model":"m","input":[{question}],"text":{{"format":'
            f'{{"type":"json_schema",{named}}}}}}}'
        ),
    ]


@pytest.mark.parametrize("index", [0, 1])
def test_a_schema(index: int) -> None:
    """Order and spelling of numbers are the client's; white space is not."""
    prompt = _chat_and_response(_SPACED)[index]
    assert conversation(prompt) == _developer(f"## Weather report\n\n{_SCHEMA}") + USER_TEXT
    assert prompt.context.json_content
    assert prompt.sampling.constraints_json == f'{{"response_schema":{_SCHEMA}}}'
    place = ["response_format", "text.format"][index]
    assert notices(prompt) == [(NoticeReason.NOT_ENFORCED, place)]


def test_the_description_stands_above_the_schema() -> None:
    """As comment lines."""
    for prompt in _chat_and_response("{}", ',"description":"Of\\ntoday.","strict":true'):
        assert conversation(prompt) == (
            _developer("## Weather report\n\n// Of\n// today.\n{}") + USER_TEXT
        )


def test_any_object() -> None:
    """`json_object` is a format named `json`."""
    expected = _developer('## json\n\n{"type":"object"}') + USER_TEXT
    for prompt in (
        chat(response_format={"type": "json_object"}),
        respond(text={"format": {"type": "json_object"}}),
    ):
        assert conversation(prompt) == expected
        assert prompt.context.json_content
        assert prompt.sampling.constraints_json == '{"response_schema":{"type":"object"}}'


@pytest.mark.parametrize("absent", [None, {"type": "text"}])
def test_plain_text(absent: dict[str, Any] | None) -> None:
    """Nothing is rendered."""
    for prompt in (
        chat(response_format=absent),
        respond(text={"format": absent, "verbosity": "low"}),
    ):
        assert conversation(prompt) == USER_TEXT
        assert not prompt.context.json_content
        assert prompt.sampling.constraints_json is None
        assert prompt.notices == ()


def test_a_format_beside_tools() -> None:
    """Both are rendered, as agents ask for both."""
    prompt = chat(response_format={"type": "json_object"}, tools=[function("f", strict=True)])
    assert "type f = () => any;" in text(prompt)
    assert "# Response Formats" in text(prompt)
    assert prompt.sampling.constraints_json == (
        '{"response_schema":{"type":"object"},"strict_tools":{"functions.f":{}}}'
    )


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ('{"a":1,"a":2}', "has an object in which a name stands twice"),
        ('{"a":1e999}', "has a number that is out of range"),
        ("[]", "must be an object"),
        ("null", "is required"),
    ],
)
def test_schemas_that_cannot_be_rendered(schema: str, reason: str) -> None:
    """They are refused with the place of the schema."""
    body = (
        f'{{"model":"m","messages":[{json.dumps(USER)}],"response_format":'
        f'{{"type":"json_schema","json_schema":{{"name":"n","schema":{schema}}}}}}}'
    )
    error = refusal(chat_body, body=body)
    assert (error.field, error.message) == ("response_format.json_schema.schema", reason)


@pytest.mark.parametrize(
    ("response_format", "field"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": "grammar"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {}}, "response_format.json_schema.name"),
        (
            {"type": "json_schema", "json_schema": {"name": "a\n## b", "schema": {}}},
            "response_format.json_schema.name",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "", "schema": {}}},
            "response_format.json_schema.name",
        ),
    ],
)
def test_the_error_names_the_place(response_format: object, field: str) -> None:
    """A format of another form is refused where it differs."""
    error = refusal(chat, response_format=response_format)
    assert (error.field, error.reason) == (field, BodyErrorReason.INVALID_FIELD)


def test_a_long_name_is_refused() -> None:
    """As those of tools."""
    long = {"type": "json_schema", "name": "n" * 129, "schema": {}}
    error = refusal(respond, text={"format": long})
    assert (error.field, error.limit) == ("text.format.name", "MAX_NAME_CHARACTERS")
