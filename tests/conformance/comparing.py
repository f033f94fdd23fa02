"""Compares a received result with a vector's expectation, as JSON values."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devtools.vector_files import Vector

_MAX_SHOWN = 300


@dataclass(frozen=True)
class Received:
    """The result of a call: the responses as canonical JSON, the gRPC status code and its details.

    Attributes:
        responses: The responses, in order.
        code: The number of the gRPC status code; 0 is OK.
        error: The google.rpc.Status in the trailers, or None.
    """

    responses: list[Any]
    code: int = 0
    error: Any = None


def differences(vector: Vector, received: Received) -> list[str]:
    """Returns a line for each difference from the vector's expectation."""
    expected_code = 0 if vector.error is None else vector.error["code"]
    responses = [_comparable(response, vector.ignore) for response in received.responses]
    expected = [_comparable(response, vector.ignore) for response in vector.responses]
    return [
        *_differences("status code", expected_code, received.code),
        *_differences("error", _without_texts(vector.error), _without_texts(received.error)),
        *_differences("responses", expected, responses),
    ]


def _comparable(response: Any, ignore: list[str]) -> Any:
    kept = {key: value for key, value in response.items() if key not in ignore}
    # Events of ParseBatch, and ends of StreamAnswerBatch, may have an error.
    for name in kept.keys() & {"events", "ended"}:
        kept[name] = [
            {
                key: _without_texts(value) if key == "error" else value
                for key, value in event.items()
            }
            for event in kept[name]
        ]
    return kept


def _without_texts(status: Any) -> Any:
    """Returns a google.rpc.Status without its human-readable texts, which may change."""
    if status is None:
        return None
    kept = {key: value for key, value in status.items() if key != "message"}
    if "details" in kept:
        kept["details"] = [_without_descriptions(detail) for detail in kept["details"]]
    return kept


def _without_descriptions(detail: Any) -> Any:
    if "metadata" in detail:
        # A body with a text for people.
        metadata = {
            key: value for key, value in detail["metadata"].items() if key != "openai_error_json"
        }
        return {**detail, "metadata": metadata}
    if "fieldViolations" not in detail:
        return detail
    violations = [
        {key: value for key, value in violation.items() if key != "description"}
        for violation in detail["fieldViolations"]
    ]
    return {**detail, "fieldViolations": violations}


def _differences(path: str, expected: Any, received: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(received, dict):
        for key in sorted(expected.keys() | received.keys()):
            yield from _differences(f"{path}.{key}", expected.get(key), received.get(key))
    elif isinstance(expected, list) and isinstance(received, list):
        if len(expected) != len(received):
            yield f"{path}: expected {len(expected)} items, received {len(received)}"
        for index, pair in enumerate(zip(expected, received, strict=False)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif type(expected) is not type(received) or expected != received:
        yield f"{path}: expected {_shown(expected)}, received {_shown(received)}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text)} characters)"
