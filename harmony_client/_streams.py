"""The streams of `Client`."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from harmony_client import _codec
from harmony_client._patience import Patience
from harmony_client._sessions import BatchSession, ParseSession, Session
from harmony_client._steps import BatchStep, read_step, to_columns
from harmony_client._watchdog import Cancellable
from harmony_client.errors import ended_without_answer, stream_ended
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
    """A call of a stream as grpcio gives it."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Has the end of the call tell of itself; returns False where it has ended already."""

    def __next__(self) -> ResponseT_co:
        """Waits for the next answer; raises StopIteration behind the last."""


class _Call(Generic[RequestT, ResponseT]):
    """One call of a stream, written and read in turn."""

    def __init__(self, start: Callable[[Iterator[RequestT]], Responses[ResponseT]]) -> None:
        self._requests: SimpleQueue[RequestT | None] = SimpleQueue()
        # Ends with None.
        self.responses = start(iter(self._requests.get, None))
        # grpcio's thread waits for a request, whatever has become of the call.
        if not self.responses.add_callback(self._end_requests):
            self._end_requests()

    def ask(self, request: RequestT | None) -> ResponseT:
        """Returns the answer to a request, or with None to the half-close."""
        self._requests.put(request)
        response = next(self.responses, None)
        # The status comes behind the last answer, and may be an error.
        if response is None or (request is None and next(self.responses, None) is not None):
            raise ended_without_answer()
        return response

    def _end_requests(self) -> None:
        self._requests.put(None)


class Exchange(Generic[RequestT, ResponseT]):
    """Requests of a session and their answers, on a new call where one broke."""

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
        """Returns the answer to a request, or with None to the end of the stream."""
        if self._ended:
            raise stream_ended()
        patience = Patience(self._timeout)
        while True:
            try:
                return self._attempt(request, patience)
            except BaseException as error:
                self._drop_call()
                pause = patience.pause_after(error) if self._session.replays else None
                if pause is None:
                    self._ended = True
                    raise
            time.sleep(pause)

    def end(self) -> None:
        """Ends the stream, and a call that is under way."""
        self._ended = True
        self._drop_call()

    def _attempt(self, request: RequestT | None, patience: Patience) -> ResponseT:
        fresh = self._call is None
        call = self._call = self._call or _Call(self._start)
        with self._watchdog.watch(call.responses, patience):
            if fresh:
                for earlier in self._session.opening():
                    call.ask(earlier)
            return call.ask(request)

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.responses.cancel()


class _Stream(Generic[RequestT, ResponseT]):
    """What both kinds of stream have in common."""

    _exchange: Exchange[RequestT, ResponseT]

    def cancel(self) -> None:
        """Ends the stream at once, as leaving its `with` block does; harmless after `finish`."""
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
    """One sequence being parsed, made by `Client.open_parse`.

        with client.open_parse() as stream:
            for token in sampled:
                show(stream.feed([token]))
            show(stream.finish())

    Use it from one thread at a time, and end it: with `finish`, `cancel` or the
    `with` block. An error ends it too; after the end it raises RuntimeError.
    """

    def __init__(
        self,
        exchange: Exchange[parse_pb2.ParseRequest, parse_pb2.ParseResponse],
        session: ParseSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    def feed(self, tokens: Iterable[int]) -> list[_codec.Event]:
        """Returns what tokens complete: one request, one answer.

        Raises `ParseFailed` where the tokens of an earlier call are malformed
        output, which had returned every event before that;
        `DeadlineExceeded` where no answer comes in time; `Unavailable` where
        the connection breaks and the stream does not replay.
        """
        request = self._session.request(tokens)
        response = self._exchange.ask(request)
        self._session.answered(request)
        return _codec.read_events(response)

    def finish(self) -> list[_codec.Event]:
        """Ends the sequence and returns what its end completes.

        Raises what `feed` does; an end inside a header is `ParseFailed` too.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return _codec.read_events(response)


class Batch(_Stream[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse]):
    """Many sequences being parsed, one message a step; made by `Client.batch`.

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

    What is opened and closed goes with the next step and costs no message of
    its own. An error of one sequence is an event and ends that sequence.

    Use it from one thread at a time, and end it: with `finish`, `cancel` or the
    `with` block. An error raised ends it too; after the end it raises RuntimeError.
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
    ) -> int:
        """Opens a sequence with the next step, and returns its id.

        Args:
            sequence_id: At most 32 bits. None: one that is free.
            role: As for `Client.parse`, like the others.
            mode: What to do with malformed output; see `ParseMode`.
            max_header_tokens: The most tokens that a header may have.

        Raises ValueError where the id is open, or for an unknown role or mode.
        """
        config = _codec.parse_config(role, mode, max_header_tokens)
        return self._session.open(sequence_id, config)

    def close(self, sequence_id: int) -> None:
        """Ends a sequence behind the tokens of the next step, which returns what that completes.

        The id may be opened again after that step. Raises ValueError where the
        sequence is not open, as after an error event.
        """
        self._session.close(sequence_id)

    def step(self, tokens: Mapping[int, _codec.TokenOrRun]) -> BatchStep:
        """Returns what a step completes, given the token or the tokens of each sequence.

        Tokens for a sequence that is not open give an error event.

        Raises `DeadlineExceeded` where no answer comes in time; `Unavailable`
        where the connection breaks and the batch does not replay.
        """
        return self.step_columns(*to_columns(tokens))

    def step_columns(self, sequence_ids: Sequence[int], tokens: Sequence[int]) -> BatchStep:
        """Does what `step` does with parallel columns, which is faster.

        A sequence that gets several tokens stands several times. Raises
        ValueError where the columns differ in length.
        """
        request = self._session.request(sequence_ids, tokens)
        response = self._exchange.ask(request)
        self._session.answered(request, response)
        return read_step(response)

    def finish(self) -> BatchStep:
        """Ends every sequence of the steps so far and returns what that completes.

        Raises what `step` does.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return read_step(response)
