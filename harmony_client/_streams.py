"""Streams of `Client`."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from harmony_client import _codec
from harmony_client._patience import Patience
from harmony_client._sessions import BatchSession, ParseSession, Session
from harmony_client._steps import BatchStep, read_step, to_columns
from harmony_client._watchdog import Cancellable
from harmony_client.errors import ended_without_response, stream_ended
from harmony_client.v1 import parse_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from harmony_client._watchdog import Watchdog

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResponseT_co = TypeVar("ResponseT_co", covariant=True)


class Responses(Cancellable, Protocol[ResponseT_co]):
    """A streaming call of grpcio, which iterates over its responses."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Runs the callback at the end of the call; returns False if the call has ended already."""

    def __next__(self) -> ResponseT_co:
        """Waits for the next response; raises StopIteration after the last."""


class _Call(Generic[RequestT, ResponseT]):
    """One call of a stream, in which each request gets one response."""

    def __init__(self, start: Callable[[Iterator[RequestT]], Responses[ResponseT]]) -> None:
        self._requests: SimpleQueue[RequestT | None] = SimpleQueue()
        # None ends the requests, which half-closes the call.
        self.responses = start(iter(self._requests.get, None))
        # Otherwise grpcio's thread would wait for a request even after the call has ended.
        if not self.responses.add_callback(self._end_requests):
            self._end_requests()

    def ask(self, request: RequestT | None) -> ResponseT:
        """Sends a request, or half-closes if it is None; returns the response."""
        self._requests.put(request)
        response = next(self.responses, None)
        # After the half-close, read on to the status, which may be an error.
        if response is None or (request is None and next(self.responses, None) is not None):
            raise ended_without_response()
        return response

    def _end_requests(self) -> None:
        self._requests.put(None)


class Exchange(Generic[RequestT, ResponseT]):
    """Exchanges requests for responses; replaces a broken call if the session replays."""

    def __init__(
        self,
        start: Callable[[Iterator[RequestT]], Responses[ResponseT]],
        session: Session[RequestT],
        watchdog: Watchdog,
        timeout: float,
    ) -> None:
        self._start = start
        self._session = session
        self._watchdog = watchdog
        self._timeout = timeout
        self._call: _Call[RequestT, ResponseT] | None = None
        self._ended = False

    def ask(self, request: RequestT | None) -> ResponseT:
        """Sends a request, or ends the stream if it is None; returns the response."""
        if self._ended:
            raise stream_ended()
        patience = Patience(self._timeout)
        while True:
            try:
                return self._attempt(request, patience)
            except BaseException as error:
                self._drop_call()
                pause = self._session.pause_after(error, patience)
                if pause is None:
                    self._ended = True
                    raise
            time.sleep(pause)

    def end(self) -> None:
        """Ends the stream and cancels its call."""
        self._ended = True
        self._drop_call()

    def _attempt(self, request: RequestT | None, patience: Patience) -> ResponseT:
        is_new = self._call is None
        call = self._call = self._call or _Call(self._start)
        with self._watchdog.watch(call.responses, patience):
            if is_new:
                for opening in self._session.opening_requests():
                    call.ask(opening)
            return call.ask(request)

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.responses.cancel()


class _Stream(Generic[RequestT, ResponseT]):
    """The part that both kinds of stream share."""

    _exchange: Exchange[RequestT, ResponseT]

    def cancel(self) -> None:
        """Ends the stream at once, as leaving its `with` block does. No effect after `finish`."""
        self._exchange.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


class ParseStream(_Stream[parse_pb2.ParseRequest, parse_pb2.ParseResponse]):
    """Parses one sequence as its tokens arrive; made by `Client.open_parse`.

        with client.open_parse() as stream:
            for token in sampled:
                show(stream.feed([token]))
            show(stream.finish())

    Use it from one thread at a time, and end it with `finish`, `cancel` or the
    `with` block. An error that comes from a call ends it too. After its end,
    every method but `cancel` raises RuntimeError.
    """

    def __init__(
        self,
        exchange: Exchange[parse_pb2.ParseRequest, parse_pb2.ParseResponse],
        session: ParseSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    def feed(self, tokens: Iterable[int]) -> list[_codec.Event]:
        """Sends tokens in one request, and returns the events that they complete.

        Raises:
            ParseFailed: The tokens of an earlier call are malformed output. That
                call has returned every event before the error.
            DeadlineExceeded: No response came within the timeout.
            Unavailable: The connection broke, and the stream does not replay.
            RpcError: The call failed in another way.
        """
        request = self._session.make_request(tokens)
        response = self._exchange.ask(request)
        self._session.note_answer(request)
        return _codec.read_events(response)

    def finish(self) -> list[_codec.Event]:
        """Ends the sequence, and returns the events that its end completes.

        Raises what `feed` raises, and `ParseFailed` if the sequence ends inside
        a header.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return _codec.read_events(response)


class Batch(_Stream[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse]):
    """Parses many sequences together, one request for each step; made by `Client.batch`.

        with client.batch() as batch:
            first, second = batch.open(), batch.open()
            step = batch.step({first: 200005, second: [200005, 35644]})
            for sequence_id, text in zip(step.sequence_ids, step.deltas):
                show(sequence_id, text)
            for sequence_id, _, event in step.events:
                if isinstance(event, RpcError):
                    give_up(sequence_id)
            batch.close(first)
            step = batch.step({second: 200008})

    `open` and `close` send nothing themselves: they go with the next step. An
    error of one sequence is an event, and ends that sequence alone.

    Use it from one thread at a time, and end it with `finish`, `cancel` or the
    `with` block. An error raised by a step ends it too. After its end, steps
    and `finish` raise RuntimeError.
    """

    def __init__(
        self,
        exchange: Exchange[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse],
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
        """Opens a sequence with the next step, and returns its id.

        Args:
            sequence_id: An unsigned 32-bit number. None: the client picks a
                free one.
            role: As in `Client.parse`.
            mode: As in `Client.parse`.
            max_header_tokens: As in `Client.parse`.
            callable_names: As in `Client.parse`.
            channels: As in `Client.parse`.
            prefill: As in `Client.parse`. If it is malformed, the sequence
                fails in the next step.
            delta_offsets: Whether the deltas of the sequence have their ranges
                in `BatchStep.delta_begins` and `delta_ends`.

        Raises ValueError if the id is already open, or for an unknown role or
        mode.
        """
        options = _codec.parse_options(
            mode, max_header_tokens, callable_names, channels, delta_offsets
        )
        config = _codec.parse_config(role, options, prefill)
        return self._session.open(sequence_id, config)

    def close(self, sequence_id: int) -> None:
        """Ends a sequence after the tokens of the next step.

        That step also returns the events that the end completes. After it, the
        id may be opened again. Raises ValueError if the sequence is not open;
        an error event has closed it too.
        """
        self._session.close(sequence_id)

    def step(self, tokens: Mapping[int, _codec.TokenOrRun]) -> BatchStep:
        """Sends one or several tokens for each sequence, and returns what they complete.

        Tokens for a sequence that is not open cause an error event.

        Raises:
            DeadlineExceeded: No response came within the timeout.
            Unavailable: The connection broke, and the batch does not replay.
            RpcError: The call failed in another way.
        """
        return self.step_columns(*to_columns(tokens))

    def step_columns(self, sequence_ids: Sequence[int], tokens: Sequence[int]) -> BatchStep:
        """Does the same as `step`, faster, with two parallel columns.

        Repeat the id of a sequence that gets several tokens. Raises what `step`
        raises, and ValueError if the columns differ in length.
        """
        request = self._session.make_request(sequence_ids, tokens)
        response = self._exchange.ask(request)
        self._session.note_answer(request, response)
        return read_step(response)

    def finish(self) -> BatchStep:
        """Ends every sequence of the steps so far, and returns what that completes.

        Raises what `step` raises.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return read_step(response)
