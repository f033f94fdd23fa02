"""The runner notices every difference from a vector."""

import copy
import json
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from devtools.vector_files import FOLDER, Vector, read_vectors

from .__main__ import main
from .comparing import Received, differences

_VECTORS = read_vectors(FOLDER)
_RPCS = sorted({vector.rpc for vector in _VECTORS})
# How many leaves to change per vector, spread evenly.
_MAX_LEAVES = 6


def _vectors_of(rpc: str) -> list[Vector]:
    return [vector for vector in _VECTORS if vector.rpc == rpc]


def _received(vector: Vector) -> Received:
    """Returns exactly the result that a vector expects."""
    code = vector.error["code"] if vector.error else 0
    return Received(copy.deepcopy(vector.responses), code, copy.deepcopy(vector.error))


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields the container and key of each scalar or empty item within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        if isinstance(item, dict | list) and item:
            yield from _leaves(item)
        else:
            yield value, key


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case _:
            return "something"


@pytest.mark.parametrize("rpc", _RPCS)
def test_every_altered_value_is_a_difference(rpc: str) -> None:
    """The expected result has no difference; any changed or missing value is one."""
    for vector in _vectors_of(rpc):
        assert differences(vector, _received(vector)) == []
        count = len(list(_leaves([vector.responses, vector.error])))
        for index in range(0, count, -(-count // _MAX_LEAVES) or 1):
            for change in (_alter, _remove):
                received = _received(vector)
                holder = [received.responses, received.error]
                container, key = list(_leaves(holder))[index]
                # The next test covers whole responses.
                if container is not holder and container is not received.responses:
                    change(container, key)
                    assert differences(vector, received), (vector.name, change, key)


def _alter(container: Any, key: Any) -> None:
    container[key] = _other(container[key])


def _remove(container: Any, key: Any) -> None:
    del container[key]


@pytest.mark.parametrize("rpc", _RPCS)
def test_every_missing_or_extra_response_is_a_difference(rpc: str) -> None:
    """A missing or extra response, another status code and missing details are differences."""
    for vector in _vectors_of(rpc):
        found = _received(vector)
        others = [
            replace(found, responses=[*found.responses, {}]),
            replace(found, code=found.code + 1),
        ]
        if found.responses:
            others.append(replace(found, responses=found.responses[:-1]))
        if found.error:
            others.append(replace(found, error=None))
        for other in others:
            assert differences(vector, other), (vector.name, other)


def test_human_readable_texts_are_not_compared() -> None:
    """A status may have any message and any descriptions of its violations."""
    vector = next(each for each in _VECTORS if each.name == "render/error/no-message")
    received = _received(vector)
    received.error["message"] = "message: is required"
    received.error["details"][1]["fieldViolations"][0]["description"] = "is required"
    assert differences(vector, received) == []


def test_human_readable_texts_in_events_are_not_compared() -> None:
    """The status in an event of ParseBatch may have any message and any descriptions."""
    vector = next(each for each in _VECTORS if each.name == "parse_batch/unknown/never-opened")
    received = _received(vector)
    error = received.responses[0]["events"][1]["error"]
    error["message"] = "sequence_ids[1]: the sequence is not open"
    error["details"][1]["fieldViolations"][0]["description"] = "the sequence is not open"
    assert differences(vector, received) == []


def test_ignored_keys_are_not_compared() -> None:
    """Ignored keys are not compared; all others are."""
    vector = next(each for each in _VECTORS if each.rpc == "GetRenderCacheStatistics")
    received = _received(vector)
    received.responses[0]["hits"] = "5"
    assert differences(vector, received) == []
    received.responses[0]["maxBytes"] = "5"
    assert differences(vector, received)


# The command line, against a server

_Change = Callable[[dict[str, Any]], None]


def _played(
    target: str, folder: pathlib.Path, file: str, change: _Change, name: str | None = None
) -> int:
    """Plays a changed copy of a file's first vector, or of the one with a given name."""
    data = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    chosen = [each for each in data["vectors"] if name in (None, each["name"])][:1]
    data["vectors"] = chosen
    change(data)
    (folder / file).write_text(json.dumps(data), encoding="utf-8")
    return main(["--target", target, str(folder)])


def test_a_vector_that_passes(
    targets: dict[str, str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If all vectors pass, the counts are printed and the exit status is 0."""
    assert _played(targets["tcp"], tmp_path, "render.json", lambda _: None) == 0
    assert capsys.readouterr().out == "Render: 1 passed, 0 failed\ntotal: 1 passed, 0 failed\n"


def _vector(data: dict[str, Any]) -> dict[str, Any]:
    vector: dict[str, Any] = data["vectors"][0]
    return vector


def _detail(data: dict[str, Any], index: int) -> dict[str, Any]:
    detail: dict[str, Any] = _vector(data)["error"]["details"][index]
    return detail


_BAD = "parse/malformed/events-before-the-error"
_FIELD = "render/error/no-message"


@pytest.mark.parametrize(
    ("file", "name", "change"),
    [
        ("render.json", None, lambda file: _vector(file)["responses"][0]["tokens"].append(1)),
        ("render.json", None, lambda file: _vector(file)["responses"].clear()),
        ("render.json", None, lambda file: _vector(file).update(error={"code": 3})),
        ("render.json", _FIELD, lambda file: _detail(file, 0).update(reason="OTHER")),
        ("render.json", _FIELD, lambda file: _detail(file, 0).update(metadata={"a": "b"})),
        (
            "render.json",
            _FIELD,
            lambda file: _detail(file, 1)["fieldViolations"][0].update(field="x"),
        ),
        ("render.json", _FIELD, lambda file: _vector(file)["error"]["details"].pop()),
        ("render.json", _FIELD, lambda file: _vector(file)["error"].update(code=5)),
        ("render.json", _FIELD, lambda file: _vector(file).pop("error")),
        ("parse.json", None, lambda file: _vector(file)["responses"].append({})),
        ("parse.json", None, lambda file: _vector(file)["responses"].pop()),
        ("parse.json", None, lambda file: _vector(file)["requests"].pop()),
        ("parse.json", _BAD, lambda file: _vector(file)["responses"].pop()),
        ("parse.json", _BAD, lambda file: _detail(file, 0)["metadata"].update(offset="0")),
        ("parse.json", None, lambda file: file.update(rpc="Nonsense")),
    ],
    ids=[
        *("another token", "no response", "an error", "another reason", "more metadata"),
        *("another field", "a detail less", "another code", "no error", "a response more"),
        *("a response less", "a request less", "a response less before an error"),
        *("other metadata", "an unknown RPC"),
    ],
)
def test_a_vector_that_fails(
    targets: dict[str, str],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    name: str | None,
    change: _Change,
) -> None:
    """A failed vector is named and counted, and the exit status is 1."""
    assert _played(targets["tcp"], tmp_path, file, change, name) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("FAILED ")
    assert shown.endswith(": 0 passed, 1 failed\ntotal: 0 passed, 1 failed\n")


def test_no_vectors_is_a_failure(targets: dict[str, str], tmp_path: pathlib.Path) -> None:
    """Playing no vectors is a failure."""
    assert main(["--target", targets["tcp"], str(tmp_path)]) == 1


def test_an_unreachable_server_fails_every_vector(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the server is unreachable, every vector fails with UNAVAILABLE."""
    assert _played("127.0.0.1:1", tmp_path, "render.json", lambda _: None) == 1
    assert "status code: expected 0, received 14" in capsys.readouterr().out
