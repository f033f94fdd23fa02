"""A vector, and the file with the vectors of one RPC."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from harmony_client._google import status_pb2


@dataclass(frozen=True)
class Vector:
    """One call: its requests and the expected result.

    Attributes:
        name: The subject of the vector, unique across all files.
        requests: The requests, in order.
        responses: The expected responses, in order.
        error: The expected status of the call; None is OK.
        ignore: JSON names of response fields that are not compared.
    """

    name: str
    requests: Sequence[Message]
    responses: Sequence[Message] = ()
    error: status_pb2.Status | None = None
    ignore: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the vector as in its file."""
        data: dict[str, Any] = {
            "name": self.name,
            "requests": [json_format.MessageToDict(request) for request in self.requests],
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
    """Returns the text of a file, with one line for each request and response."""
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
    # Plain ASCII, to show white space and joiners; sorted, because protobuf maps have no order.
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
