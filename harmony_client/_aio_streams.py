"""Streams of `AsyncClient`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import grpc

from harmony_client import _codec
from harmony_client._patience import Patience
from harmony_client._sessions import BatchSession, ParseSession, Session
from harmony_client._steps import BatchStep, read_step, to_columns
from harmony_client.errors import ended_without_response, from_grpc, stream_ended
from harmony_client.v1 import parse_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class _Call(Generic[RequestT, ResponseT]):
    """One call of a stream, in which each request gets one response."""

    def __init__(self, call: grpc.aio.StreamStreamCall[RequestT, ResponseT]) -> None:
        self._call = call
        self._status: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note_status)

    async def ask(self, request: RequestT | None) -> ResponseT:
        """Sends a request, or half-closes if it is None; returns the response."""
        try:
            # An ended call takes no request; reading from it tells how it ended.
            with suppress(asyncio.InvalidStateError):
                await (self._call.done_writing() if request is None else self._call.write(request))
            response = await self._call.read()
            # After the half-close, read on to the status, which may be an error.
            if _is_end(response) or (request is None and not _is_end(await self._call.read())):
                raise ended_without_response()
        except grpc.aio.AioRpcError as error:
            status = self._status or error
            if status.code() is grpc.StatusCode.OK:
                # The server had ended the call before the write.
                raise ended_without_response() from error
            raise from_grpc(status) from error
        return cast("ResponseT", response)

    def cancel(self) -> None:
        """Cancels the call."""
        self._call.cancel()

    def _note_status(self, call: grpc.aio.StreamStreamCall[RequestT, ResponseT]) -> None:
        # A write to an ended call replaces the server's status by INTERNAL (grpc/grpc#36066). This
        # callback runs before that; old versions of grpcio run it a second time after it.
        if self._status is not None:
            return
        reading = _read_status(call)
        # The call has ended, so that nothing waits and the coroutine returns at once.
        try:
            reading.send(None)
        except StopIteration as result:
            self._status = result.value


async def _read_status(
    call: grpc.aio.StreamStreamCall[RequestT, ResponseT],
) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(),
        grpc.aio.Metadata(),
        await call.trailing_metadata(),
        await call.details(),
    )


def _is_end(response: object) -> bool:
    return response is grpc.aio.EOF


class AsyncExchange(Generic[RequestT, ResponseT]):
    """See `_streams.Exchange`."""

    def __init__(
        self,
        start: Callable[[], grpc.aio.StreamStreamCall[RequestT, ResponseT]],
        session: Session[RequestT],
        timeout: float,
    ) -> None:
        self._start = start
        self._session = session
        self._timeout = timeout
        self._call: _Call[RequestT, ResponseT] | None = None
        self._ended = False

    async def ask(self, request: RequestT | None) -> ResponseT:
        """Sends a request, or ends the stream if it is None; returns the response."""
        if self._ended:
            raise stream_ended()
        patience = Patience(self._timeout)
        while True:
            try:
                return await self._attempt(request, patience)
            except BaseException as error:
                self._drop_call()
                pause = self._session.pause_after(error, patience)
                if pause is None:
                    self._ended = True
                    raise
            await asyncio.sleep(pause)

    def end(self) -> None:
        """Ends the stream and cancels its call."""
        self._ended = True
        self._drop_call()

    async def _attempt(self, request: RequestT | None, patience: Patience) -> ResponseT:
        is_new = self._call is None
        call = self._call = self._call or _Call(self._start())
        try:
            async with asyncio.timeout(patience.seconds_left):
                if is_new:
                    for opening in self._session.opening_requests():
                        await call.ask(opening)
                return await call.ask(request)
        except TimeoutError as error:
            raise patience.deadline_exceeded() from error

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()


class _AsyncStream(Generic[RequestT, ResponseT]):
    """The part that both kinds of stream share."""

    _exchange: AsyncExchange[RequestT, ResponseT]

    def cancel(self) -> None:
        """Ends the stream at once, as leaving its `async with` block does."""
        self._exchange.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


class AsyncParseStream(_AsyncStream[parse_pb2.ParseRequest, parse_pb2.ParseResponse]):
    """Parses one sequence as its tokens arrive; made by `AsyncClient.open_parse`.

        async with client.open_parse() as stream:
            async for token in sampled:
                show(await stream.feed([token]))
            show(await stream.finish())

    It is `ParseStream` with methods to await. Use it from one task at a time.
    Cancelling a task in `feed` or `finish` ends the stream.
    """

    def __init__(
        self,
        exchange: AsyncExchange[parse_pb2.ParseRequest, parse_pb2.ParseResponse],
        session: ParseSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    async def feed(self, tokens: Iterable[int]) -> list[_codec.Event]:
        """See `ParseStream.feed`."""
        request = self._session.make_request(tokens)
        response = await self._exchange.ask(request)
        self._session.note_answer(request)
        return _codec.read_events(response)

    async def finish(self) -> list[_codec.Event]:
        """See `ParseStream.finish`."""
        response = await self._exchange.ask(None)
        self._exchange.end()
        return _codec.read_events(response)


class AsyncBatch(_AsyncStream[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse]):
    """Parses many sequences together, one request for each step; made by `AsyncClient.batch`.

        async with client.batch() as batch:
            first, second = batch.open(), batch.open()
            step = await batch.step({first: 200005, second: [200005, 35644]})

    It is `Batch` with methods to await, except `open` and `close`, which send
    nothing. Use it from one task at a time. Cancelling a task in a step ends
    the batch.
    """

    def __init__(
        self,
        exchange: AsyncExchange[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse],
        session: BatchSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    def open(
        self,
        sequence_id: int | None = None,
        *,
        role: _codec.Role | None = "assistant",
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        delta_offsets: bool = False,
    ) -> int:
        """See `Batch.open`."""
        options = _codec.parse_options(
            mode, max_header_tokens, callable_names, channels, delta_offsets
        )
        config = _codec.parse_config(role, options, prefill)
        return self._session.open(sequence_id, config)

    def close(self, sequence_id: int) -> None:
        """See `Batch.close`."""
        self._session.close(sequence_id)

    async def step(self, tokens: Mapping[int, _codec.TokenOrRun]) -> BatchStep:
        """See `Batch.step`."""
        return await self.step_columns(*to_columns(tokens))

    async def step_columns(self, sequence_ids: Sequence[int], tokens: Sequence[int]) -> BatchStep:
        """See `Batch.step_columns`."""
        request = self._session.make_request(sequence_ids, tokens)
        response = await self._exchange.ask(request)
        self._session.note_answer(request, response)
        return read_step(response)

    async def finish(self) -> BatchStep:
        """See `Batch.finish`."""
        response = await self._exchange.ask(None)
        self._exchange.end()
        return read_step(response)
