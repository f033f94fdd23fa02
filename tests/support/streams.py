"""Calls to the two streaming RPCs, in full or in lock step."""

import queue
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import grpc

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as pb
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import Failure, failure_of, failure_of_error

_DEADLINE_SECONDS = 60
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

ASSISTANT = pb.ParseConfig(role=chat.ROLE_ASSISTANT)


class LockStep(Generic[_Request, _Response]):
    """A stream that sends each request after it has read the previous response."""

    def __init__(self, method: "grpc.StreamStreamMultiCallable[_Request, _Response]") -> None:
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._responses = method(iter(self._requests.get, None), timeout=_DEADLINE_SECONDS)

    def ask(self, request: _Request) -> _Response:
        """Sends a request and returns its response."""
        self._requests.put(request)
        return next(self._responses)

    def ask_failing(self, request: _Request) -> Failure:
        """Sends a request that must fail the stream."""
        return failure_of(lambda: self.ask(request))

    def wait_failing(self) -> Failure:
        """Waits for the server to fail the stream."""
        return failure_of(lambda: next(self._responses))

    def cancel(self) -> None:
        """Cancels the stream."""
        self._requests.put(None)
        self._responses.cancel()

    def half_close(self) -> list[_Response]:
        """Half-closes the stream and returns the remaining responses."""
        self._requests.put(None)
        return list(self._responses)

    def half_close_failing(self) -> tuple[list[_Response], Failure]:
        """Half-closes a stream that must fail, and returns the remaining responses."""
        self._requests.put(None)
        return _drain(self._responses)


def config(item: pb.ParseConfig | None = None) -> pb.ParseRequest:
    """Returns the request that configures a Parse stream, by default an empty config."""
    return pb.ParseRequest(config=item or pb.ParseConfig())


def tokens(items: Iterable[int]) -> pb.ParseRequest:
    """Returns a request with tokens."""
    return pb.ParseRequest(tokens=pb.TokenIds(tokens=items))


def parse(stub: HarmonyServiceStub, *requests: pb.ParseRequest) -> list[list[pb.ParseEvent]]:
    """Runs a Parse stream that must succeed, and returns the events of each response."""
    responses = stub.Parse(iter(requests), timeout=_DEADLINE_SECONDS)
    return [list(response.events) for response in responses]


def parse_failing(
    stub: HarmonyServiceStub, *requests: pb.ParseRequest
) -> tuple[list[list[pb.ParseEvent]], Failure]:
    """Runs a Parse stream that must fail."""
    responses, failure = _drain(stub.Parse(iter(requests), timeout=_DEADLINE_SECONDS))
    return [list(response.events) for response in responses], failure


def parse_either_way(
    stub: HarmonyServiceStub, item: pb.ParseConfig, chunks: Sequence[Sequence[int]]
) -> tuple[list[pb.ParseEvent], Failure | None]:
    """Runs a Parse stream, and returns its events and its failure, if any."""
    requests = [config(item), *map(tokens, chunks)]
    received: list[pb.ParseEvent] = []
    try:
        for response in stub.Parse(iter(requests), timeout=_DEADLINE_SECONDS):
            received += response.events
    except grpc.RpcError as error:
        return received, failure_of_error(error)
    return received, None


def batch(stub: HarmonyServiceStub, *requests: pb.ParseBatchRequest) -> list[pb.ParseBatchResponse]:
    """Runs a ParseBatch stream that must succeed."""
    return list(stub.ParseBatch(iter(requests), timeout=_DEADLINE_SECONDS))


def batch_failing(
    stub: HarmonyServiceStub, *requests: pb.ParseBatchRequest
) -> tuple[list[pb.ParseBatchResponse], Failure]:
    """Runs a ParseBatch stream that must fail."""
    return _drain(stub.ParseBatch(iter(requests), timeout=_DEADLINE_SECONDS))


def _drain(responses: Iterator[_Response]) -> tuple[list[_Response], Failure]:
    received: list[_Response] = []
    try:
        received.extend(responses)
    except grpc.RpcError as error:
        return received, failure_of_error(error)
    raise AssertionError(f"the stream succeeded: {received}")


def started(
    role: chat.Role = chat.ROLE_ASSISTANT,
    *,
    name: str | None = None,
    channel: str | None = None,
    recipient: str | None = None,
) -> pb.ParseEvent:
    """Returns the event of a complete header."""
    author = chat.Author(role=role, name=name)
    event = pb.MessageStarted(author=author, channel=channel, recipient=recipient)
    return pb.ParseEvent(started=event)


def delta(value: str, begin: int | None = None, end: int | None = None) -> pb.ParseEvent:
    """Returns the event of more text, with the range of its tokens if one is given."""
    offsets = None if begin is None else pb.TokenRange(begin=begin, end=end)
    return pb.ParseEvent(delta=pb.ContentDelta(text=value, offsets=offsets))


def completed(
    value: str,
    header: tuple[int, int],
    content: tuple[int, int],
    *,
    role: chat.Role = chat.ROLE_ASSISTANT,
    channel: str | None = None,
    stop_token: int | None = None,
) -> pb.ParseEvent:
    """Returns the event of a complete message with its offsets."""
    message = chat.Message(
        author=chat.Author(role=role),
        content=[chat.Content(text=chat.TextContent(text=value))],
        channel=channel,
    )
    offsets = pb.MessageOffsets(
        header=pb.TokenRange(begin=header[0], end=header[1]),
        content=pb.TokenRange(begin=content[0], end=content[1]),
    )
    event = pb.MessageCompleted(message=message, stop_token=stop_token, offsets=offsets)
    return pb.ParseEvent(completed=event)


def with_deltas_joined(events: Iterable[pb.ParseEvent]) -> list[pb.ParseEvent]:
    """Returns events with consecutive deltas joined, and their ranges, which must be adjacent."""
    joined: list[pb.ParseEvent] = []
    for event in events:
        if event.HasField("delta") and joined and joined[-1].HasField("delta"):
            last, new = joined[-1].delta, event.delta
            text = last.text + new.text
            assert last.HasField("offsets") == new.HasField("offsets")
            if new.HasField("offsets"):
                assert last.offsets.end == new.offsets.begin
                joined[-1] = delta(text, last.offsets.begin, new.offsets.end)
            else:
                joined[-1] = delta(text)
        else:
            joined.append(event)
    return joined
