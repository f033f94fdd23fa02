"""A vector, and the file that the vectors of one RPC stand in."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from harmony_client._google import status_pb2


@dataclass(frozen=True)
class Vector:
    """One call: what is sent and what must come back.

    Attributes:
        name: Says what it is about, unique over all files.
        requests: What is sent, in order.
        responses: What must come back, in order.
        error: What the call must end with; None is OK.
        ignore: Fields of the responses, in their JSON names, that may be anything.
    """

    name: str
    requests: Sequence[Message]
    responses: Sequence[Message] = ()
    error: status_pb2.Status | None = None
    ignore: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the vector as its file has it."""
        data: dict[str, Any] = {
            "name": self.name,
            "requests": [json_format.MessageToDict(it) for it in self.requests],
            "responses": [
                {
                    key: value
                    for key, value in json_format.MessageToDict(response).items()
                    if key not in self.ignore
                }
                for response in self.responses
            ],
        }
        if self.error is not None:
            data["error"] = json_format.MessageToDict(self.error)
        if self.ignore:
            data["ignore"] = list(self.ignore)
        return data


def file_text(rpc: str, vectors: Iterable[Vector]) -> str:
    """Returns a file: every request and response on a line of its own, to be read and compared."""
    blocks = ",\n".join(_block(vector.to_dict()) for vector in vectors)
    return f'{{"rpc": {json.dumps(rpc)}, "vectors": [\n{blocks}\n]}}\n'


def _block(vector: dict[str, Any]) -> str:
    lines = [f"  {json.dumps(key)}: {_value(value)}" for key, value in vector.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = ",\n".join(f"    {_compact(item)}" for item in value)
        return f"[\n{items}\n  ]"
    return _compact(value)


def _compact(value: object) -> str:
    # ASCII alone: every reader sees the same characters, white space and joiners included.
    # Sorted: protobuf maps have no order.
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
