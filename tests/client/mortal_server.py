"""A fake transport to a server that dies: the server's own parser, without a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import Message

from harmony_client.errors import DETAILS_KEY
from harmony_client.v1 import parse_pb2
from harmony_server.contract.statuses import to_status
from harmony_server.operations.errors import RequestError
from harmony_server.operations.operations import Operations
from harmony_server.rpc.handlers import Stream
from harmony_server.rpc.statuses import code_of
from harmony_server.service.batch_stream import BatchStream
from harmony_server.service.parse_stream import ParseStream
from tests.support.operations import operations


class MortalStub:
    """Starts streams like the generated stub of either client.

    `deaths` has, for each of the first calls, the read at which it dies, counted
    from 1. Later calls do not die.
    """

    def __init__(self, deaths: Iterable[int] = ()) -> None:
        self.calls = 0
        self._deaths = iter(deaths)
        self.Parse = partial(self._start, ParseStream, parse_pb2.ParseResponse)
        self.ParseBatch = partial(self._start, BatchStream, parse_pb2.ParseBatchResponse)

    def _start(
        self,
        stream: Callable[[Operations], Stream],
        response: type[Message],
        requests: Iterator[Message] | None = None,
        **_settings: object,
    ) -> Any:
        self.calls += 1
        make = partial(_Call, stream(operations()), response, next(self._deaths, None))
        return _AsyncCall(make) if requests is None else make(requests)


class _Call:
    """One call, as `Client` gets it from grpcio."""

    def __init__(
        self,
        stream: Stream,
        response: type[Message],
        dies_at: int | None,
        requests: Iterator[Message],
    ) -> None:
        self._stream = stream
        self._response = response
        self._dies_at = dies_at
        self._requests = requests
        self._reads = 0
        self._half_closed = False

    def __next__(self) -> Message:
        self._reads += 1
        if self._reads == self._dies_at:
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata()
            )
        if self._stream.failure:
            raise _status(self._stream.failure)
        if self._half_closed:
            raise StopIteration
        try:
            data = self._answer()
        except RequestError as error:
            raise _status(error) from None
        return self._response.FromString(data)

    def add_callback(self, _callback: Callable[[], None]) -> bool:
        """Returns True: the call has not ended."""
        return True

    def cancel(self) -> bool:
        """Does nothing: no thread or task is waiting."""
        return True

    def _answer(self) -> bytes:
        request = next(self._requests, None)
        if request is None:
            self._half_closed = True
            return self._stream.finish()
        return self._stream.answer(request.SerializeToString())


class _AsyncCall:
    """One call, as `AsyncClient` gets it from grpcio."""

    def __init__(self, make: Callable[[Iterator[Message]], _Call]) -> None:
        self._written: deque[Message | None] = deque()
        self._call = make(iter(self._written.popleft, None))

    async def write(self, request: Message) -> None:
        """Queues a request."""
        self._written.append(request)

    async def done_writing(self) -> None:
        """Half-closes."""
        self._written.append(None)

    def add_done_callback(self, _callback: Callable[[object], None]) -> None:
        """Ignores the callback."""

    async def read(self) -> object:
        """Returns the next response."""
        return next(self._call, grpc.aio.EOF)

    def cancel(self) -> bool:
        """Does nothing: no thread or task is waiting."""
        return True


def _status(error: RequestError) -> grpc.aio.AioRpcError:
    details = (DETAILS_KEY, to_status(error).SerializeToString())
    return grpc.aio.AioRpcError(
        code_of(error), grpc.aio.Metadata(), grpc.aio.Metadata(details), error.message
    )
