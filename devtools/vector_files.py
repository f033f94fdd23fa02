"""The conformance vectors, read from their files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tests" / "conformance" / "vectors"


@dataclass(frozen=True)
class Vector:
    """One call, as its file has it; every message is a value of JSON.

    Attributes:
        rpc: The RPC.
        name: Says what the vector is about.
        requests: What to send, in order.
        responses: What must come back, in order.
        error: The google.rpc.Status to end with; None is OK.
        ignore: The keys of responses that may be anything.
    """

    rpc: str
    name: str
    requests: list[Any]
    responses: list[Any]
    error: Any = None
    ignore: list[str] = field(default_factory=list)


def read_vectors(folder: Path) -> list[Vector]:
    """Returns the vectors of every file, in order of file name."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [Vector(rpc=file["rpc"], **vector) for file in files for vector in file["vectors"]]
