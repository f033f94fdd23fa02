"""Reads the conformance vectors."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tests" / "conformance" / "vectors"


@dataclass(frozen=True)
class Vector:
    """One call of an RPC; its messages are in protobuf's JSON form.

    Attributes:
        rpc: The RPC's name.
        name: What the vector is about.
        requests: The requests to send, in order.
        responses: The expected responses, in order.
        error: The expected google.rpc.Status; None: OK.
        ignore: Keys of responses that may have any value.
    """

    rpc: str
    name: str
    requests: list[Any]
    responses: list[Any]
    error: Any = None
    ignore: list[str] = field(default_factory=list)


def read_vectors(folder: Path) -> list[Vector]:
    """Returns the vectors in all JSON files of a folder, in order of file name."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [Vector(rpc=file["rpc"], **vector) for file in files for vector in file["vectors"]]
