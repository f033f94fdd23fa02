"""A server that answers with values that this version does not know."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message import Message

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

from .conftest import Run

# Values of enumerations are numbers on the wire, and a newer contract may have more of them.
_UNKNOWN = 99


@contextlib.contextmanager
def _server(response: Message) -> Iterator[str]:
    """Runs a server that answers one RPC with a response, and yields its address."""
    rpc = response.DESCRIPTOR.name.removesuffix("Response")
    method = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: response,
        request_deserializer=getattr(service_pb2, f"{rpc}Request").FromString,
        response_serializer=type(response).SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    server.add_registered_method_handlers("harmony.v1.HarmonyService", {rpc: method})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _message(role: int) -> chat_pb2.Message:
    message = chat_pb2.Message(content=[chat_pb2.Content(text=chat_pb2.TextContent(text="x"))])
    # The stubs allow the values of this version alone.
    message.author.role = role  # type: ignore[assignment]
    return message


def _recovered(reason: int) -> parse_pb2.Recovered:
    recovered = parse_pb2.Recovered()
    recovered.reason = reason  # type: ignore[assignment]
    return recovered


@pytest.mark.parametrize(
    ("response", "path"),
    [
        (
            service_pb2.ParseMessagesResponse(
                messages=[_message(chat_pb2.ROLE_ASSISTANT), _message(_UNKNOWN)]
            ),
            "messages[1].author.role",
        ),
        (
            service_pb2.ParseMessagesResponse(
                messages=[
                    chat_pb2.Message(
                        author=chat_pb2.Author(role=chat_pb2.ROLE_TOOL),
                        content=[chat_pb2.Content()],
                    )
                ]
            ),
            "messages[0].content[0]",
        ),
        (
            service_pb2.ParseMessagesResponse(recovered=[_recovered(_UNKNOWN)]),
            "recovered[0].reason",
        ),
    ],
    ids=["role", "content", "reason"],
)
def test_an_unknown_value(run: Run, response: service_pb2.ParseMessagesResponse, path: str) -> None:
    """A value that this version does not know is one line and exit code 2."""
    with _server(response) as address:
        result = run("parse", "--mode", "recover", "--target", address, stdin="12194")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"{address}: the response has an unknown value in {path}; the server may be newer than "
        "this command\n"
    )


def test_an_unknown_part(run: Run) -> None:
    """A part of a message that this version does not know is such a value."""
    runs = service_pb2.TokenRuns(lengths=[1], messages=[0], contents=[0])
    runs.parts.append(_UNKNOWN)  # type: ignore[arg-type]
    response = service_pb2.RenderConversationForCompletionResponse(tokens=[200006], runs=runs)
    with _server(response) as address:
        result = run("render", "--runs", "--target", address, stdin='{"messages": []}')
    assert (result.exit_code, result.stdout) == (2, "")
    assert "an unknown value in runs.parts" in result.stderr
