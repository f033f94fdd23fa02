"""The RPCs of the contract: name, kind, request, response, and whether clients may retry them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import service_pb2

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["HarmonyService"]
_OPENAI_SERVICE = openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"]

SERVICE_NAME: Final[str] = _SERVICE.full_name
OPENAI_SERVICE_NAME: Final[str] = _OPENAI_SERVICE.full_name


class Method(NamedTuple):
    """An RPC of a service.

    Attributes:
        service: The full name of the service, such as `harmony.v1.HarmonyService`.
        name: The name without the service, such as `Render`; no other service has it.
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
    def domain(self) -> str:
        """The `domain` of its errors: the package of the service, such as `harmony.v1`."""
        return self.service.rpartition(".")[0]

    @property
    def retried(self) -> bool:
        """Whether a client may retry a failed call, as unary RPCs have no side effects."""
        return not self.streaming


def _read_methods(service: ServiceDescriptor) -> Iterator[Method]:
    for method in service.methods:
        yield Method(
            service.full_name,
            method.name,
            method.client_streaming,
            GetMessageClass(method.input_type),
            GetMessageClass(method.output_type),
        )


# By name, in the order of the contract.
METHODS: Final = {
    method.name: method
    for service in (_SERVICE, _OPENAI_SERVICE)
    for method in _read_methods(service)
}
assert len(METHODS) == len(_SERVICE.methods) + len(_OPENAI_SERVICE.methods), "names are unique"


def services_offered(*, openai: bool) -> tuple[str, ...]:
    """Returns the names of the services that a server offers, with the OpenAI layer or without."""
    return (SERVICE_NAME, OPENAI_SERVICE_NAME) if openai else (SERVICE_NAME,)


def methods_offered(*, openai: bool) -> list[Method]:
    """Returns the RPCs of `services_offered`, in the order of the contract."""
    services = services_offered(openai=openai)
    return [method for method in METHODS.values() if method.service in services]
