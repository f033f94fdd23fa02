"""The RPCs of the contract: name, kind, request, response, and whether clients may retry them."""

from __future__ import annotations

from typing import Final, NamedTuple

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from harmony_client.v1 import service_pb2

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["HarmonyService"]

SERVICE_NAME: Final[str] = _SERVICE.full_name


class Method(NamedTuple):
    """An RPC of a service.

    Attributes:
        service: The full name of the service, such as `harmony.v1.HarmonyService`.
        name: The name without the service, such as `Render`.
        streaming: Whether the RPC is a bidirectional stream; otherwise it is unary.
        request_type: The class of its requests.
        response_type: The class of its responses.
    """

    service: str
    name: str
    streaming: bool
    request_type: type[Message]
    response_type: type[Message]

    @property
    def path(self) -> str:
        """The name that gRPC uses, such as `/harmony.v1.HarmonyService/Render`."""
        return f"/{self.service}/{self.name}"

    @property
    def retried(self) -> bool:
        """Whether a client may retry a failed call, as unary RPCs have no side effects."""
        return not self.streaming


# By name, in the order of the contract.
METHODS: Final = {
    method.name: Method(
        SERVICE_NAME,
        method.name,
        method.client_streaming,
        GetMessageClass(method.input_type),
        GetMessageClass(method.output_type),
    )
    for method in _SERVICE.methods
}
