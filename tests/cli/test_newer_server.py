"""A server that answers with values that this version does not know."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

from .conftest import Run

# Values of enumerations are numbers on the wire, and a newer contract may have more of them.
_UNKNOWN = 99


@contextlib.contextmanager
def _server(response: service_pb2.ParseMessagesResponse) -> Iterator[str]:
    """Runs a server that answers ParseMessages with a response, and yields its address."""
    method = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: response,
        request_deserializer=service_pb2.ParseMessagesRequest.FromString,
        response_serializer=service_pb2.ParseMessagesResponse.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    server.add_registered_method_handlers("harmony.v1.HarmonyService", {"ParseMessages": method})
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
