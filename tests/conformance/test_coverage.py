"""The vectors cover the contract, and the page about them says so truly."""

import json
import pathlib
import re
from collections import Counter

import pytest

from devtools.vector_files import FOLDER, Vector, read_vectors
from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import parse_pb2, service_pb2

_ROOT = pathlib.Path(__file__).parents[2]
_VECTORS = read_vectors(FOLDER)
_METHODS = {
    method.name: method
    for service in (
        service_pb2.DESCRIPTOR.services_by_name["HarmonyService"],
        openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"],
    )
    for method in service.methods
}
_RPCS = list(_METHODS)
# What no request of a stub provokes from a server with its default settings: bytes that are no
# message, a server with tokens, one that stops, one that is at fault.
_OUT_OF_REACH = {
    "MALFORMED_REQUEST",
    "BEARER_TOKEN_REQUIRED",
    "SERVER_STOPPING",
    "SERVICE_UNKNOWN",
    "INTERNAL",
}


def _text(vector: Vector) -> str:
    return json.dumps([vector.responses, vector.error])


def test_names_are_unique_and_say_the_rpc() -> None:
    """A name identifies its vector and begins with its file's name."""
    names = [vector.name for vector in _VECTORS]
    assert len(set(names)) == len(names)
    for path in FOLDER.iterdir():
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]:
            assert vector["name"].startswith(f"{path.stem}/")


def test_there_are_enough_and_not_too_large() -> None:
    """Hundreds of vectors, which a runner still plays in seconds."""
    assert len(_VECTORS) >= 300
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


@pytest.mark.parametrize("rpc", _RPCS)
def test_every_rpc_is_covered(rpc: str) -> None:
    """Each RPC has vectors that succeed and, if its request has fields, vectors that fail."""
    vectors = [vector for vector in _VECTORS if vector.rpc == rpc]
    assert any(vector.error is None for vector in vectors)
    can_fail = len(_METHODS[rpc].input_type.fields) > 0
    assert any(vector.error is not None for vector in vectors) == can_fail


@pytest.mark.parametrize("reason", parse_pb2.RecoveryReason.keys()[1:])
def test_every_repair_is_covered(reason: str) -> None:
    """Each reason of a repair is in the answer to a whole completion."""
    texts = [_text(vector) for vector in _VECTORS if vector.rpc == "ParseMessages"]
    assert any(f'"{reason}"' in text for text in texts)


def test_every_error_is_covered() -> None:
    """Each reason of docs/errors.md that a client can provoke is in a vector."""
    page = (_ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `[A-Z_]+` \| `([A-Z0-9_]+)` \|", page, re.MULTILINE))
    pattern = re.compile(
        r'ErrorInfo", "domain": "harmony[.\w]*", (?:"metadata": [^}]*}, )?"reason": "(\w+)"'
    )
    covered = {reason for vector in _VECTORS for reason in pattern.findall(_text(vector))}
    assert covered == documented - _OUT_OF_REACH


@pytest.mark.parametrize("kind", ["started", "delta", "completed", "recovered"])
def test_every_event_of_parse_is_covered(kind: str) -> None:
    """Each kind of event is in a Parse stream."""
    assert any(f'{{"{kind}": ' in _text(vector) for vector in _VECTORS if vector.rpc == "Parse")


@pytest.mark.parametrize("kind", ["started", "completed", "recovered", "error"])
def test_every_event_of_parse_batch_is_covered(kind: str) -> None:
    """Each kind of event is in a ParseBatch stream."""
    assert any(f'"{kind}": ' in _text(vector) for vector in _VECTORS if vector.rpc == "ParseBatch")


def test_no_vector_has_texts_for_people() -> None:
    """Statuses have no message and no descriptions, which may change."""
    for vector in _VECTORS:
        assert "message" not in (vector.error or {})
        assert '"description": ' not in json.dumps(vector.error)


def test_the_page_counts_the_vectors() -> None:
    """The table of docs/conformance.md has every RPC with the number of its vectors."""
    page = (_ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    counts = Counter(vector.rpc for vector in _VECTORS)
    assert rows == {rpc: str(counts[rpc]) for rpc in _RPCS}
    assert f"| total | {len(_VECTORS)} |" in page
