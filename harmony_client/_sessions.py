"""The state of a stream, apart from its transport: what to send, and what to keep for a replay.

A session that replays keeps every answered token, 4 bytes each. When a call breaks, it first sends
these tokens on a new call. The responses hold nothing new, except errors of sequences that the
server does not open again; the step that replays reports these. If the server refuses
a request of the replay as too large, the replay starts again with smaller ones. Then the session
sends the unanswered request again. A response has all that its request's tokens complete, however
earlier tokens were split into requests, so the caller gets what the broken call would have
returned.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from harmony_client.errors import invalid_response, is_request_too_large
from harmony_client.v1 import parse_pb2

if TYPE_CHECKING:
    from harmony_client._patience import Patience

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

# Entries in a request of a replay, tokens or sequences to open, until a server refuses so many.
_MOST_REPLAYED_AT_ONCE: Final = 100_000


class Session(ABC, Generic[RequestT, ResponseT]):
    """The state of one stream, which may outlive a call.

    Args:
        replay: Whether a new call replaces a broken one.
    """

    def __init__(self, *, replay: bool) -> None:
        self.replays = replay
        # Kept for later replays: the server's limits seldom change.
        self._replayed_at_once = _MOST_REPLAYED_AT_ONCE
        self._is_opening = False

    def opening_requests(self) -> Iterator[RequestT]:
        """Yields the requests that bring a new call to the state of the session."""
        self._is_opening = True
        yield from self._make_opening_requests()
        self._is_opening = False

    @abstractmethod
    def note_opening_answer(self, response: ResponseT) -> None:
        """Keeps the errors in the response to an opening request, for the next step to report."""

    def pause_after(self, error: BaseException, patience: Patience) -> float | None:
        """Returns the seconds to wait before a new call; None: give up.

        If the server refused an opening request as too large, the next ones are half as large.
        """
        if not self.replays:
            return None
        if self._is_opening and is_request_too_large(error):
            largest = min(self._replayed_at_once, self._count_entries())
            if largest > 1:
                self._replayed_at_once = largest // 2
                return 0
        return patience.pause_after(error)

    @abstractmethod
    def _make_opening_requests(self) -> Iterator[RequestT]: ...

    @abstractmethod
    def _count_entries(self) -> int:
        """Returns how many entries one request with the whole replay would have."""

    def _parts(self, count: int) -> Iterator[slice]:
        """Yields the slices that cut `count` entries into requests of a replay."""
        size = self._replayed_at_once
        return (slice(begin, begin + size) for begin in range(0, count, size))


class ParseSession(Session[parse_pb2.ParseRequest, parse_pb2.ParseResponse]):
    """The state of a stream with one sequence."""

    def __init__(self, config: parse_pb2.ParseConfig, *, replay: bool) -> None:
        super().__init__(replay=replay)
        self._config = config
        self._answered = array("I")

    def _make_opening_requests(self) -> Iterator[parse_pb2.ParseRequest]:
        yield parse_pb2.ParseRequest(config=self._config)
        for part in self._parts(len(self._answered)):
            yield self.make_request(self._answered[part])

    def note_opening_answer(self, response: parse_pb2.ParseResponse) -> None:
        """Does nothing: an error of the only sequence ends the call."""

    def _count_entries(self) -> int:
        return len(self._answered)

    def make_request(self, tokens: Iterable[int]) -> parse_pb2.ParseRequest:
        """Returns a request that feeds tokens."""
        return parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=tokens))

    def note_answer(self, request: parse_pb2.ParseRequest) -> None:
        """Keeps the tokens of an answered request, in case of a replay."""
        if self.replays:
            self._answered.extend(request.tokens.tokens)


class _Sequence(NamedTuple):
    """An open sequence of a batch, with its answered tokens."""

    opened: parse_pb2.OpenSequence
    tokens: array[int]


class BatchSession(Session[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse]):
    """The state of a stream with many sequences."""

    def __init__(self, *, replay: bool) -> None:
        super().__init__(replay=replay)
        self._open: set[int] = set()
        # What a replay has to bring back.
        self._answered: dict[int, _Sequence] = {}
        self._to_open: list[parse_pb2.OpenSequence] = []
        # A set that keeps its order.
        self._to_close: dict[int, None] = {}
        self._next_id = 0
        # Errors of sequences that a replay could not bring back, by id.
        self._lost: dict[int, parse_pb2.SequenceEvent] = {}

    def open(self, sequence_id: int | None, config: parse_pb2.ParseConfig) -> int:
        """Opens a sequence with the next request, and returns its id."""
        if sequence_id is None:
            while self._next_id in self._open:
                self._next_id += 1
            sequence_id = self._next_id
            self._next_id += 1
        elif sequence_id in self._open:
            raise ValueError(f"sequence {sequence_id} is already open")
        self._to_open.append(parse_pb2.OpenSequence(sequence_id=sequence_id, config=config))
        self._open.add(sequence_id)
        return sequence_id

    def close(self, sequence_id: int) -> None:
        """Closes a sequence with the next request."""
        if sequence_id not in self._open or sequence_id in self._to_close:
            raise ValueError(f"sequence {sequence_id} is not open")
        self._to_close[sequence_id] = None

    def _make_opening_requests(self) -> Iterator[parse_pb2.ParseBatchRequest]:
        opened = [sequence.opened for sequence in self._answered.values()]
        for part in self._parts(len(opened)):
            yield parse_pb2.ParseBatchRequest(open=opened[part])
        ids, tokens = array("I"), array("I")
        for sequence_id, sequence in self._answered.items():
            ids += array("I", [sequence_id]) * len(sequence.tokens)
            tokens += sequence.tokens
        for part in self._parts(len(tokens)):
            yield parse_pb2.ParseBatchRequest(sequence_ids=ids[part], tokens=tokens[part])

    def _count_entries(self) -> int:
        tokens = sum(len(sequence.tokens) for sequence in self._answered.values())
        return max(tokens, len(self._answered))

    def note_opening_answer(self, response: parse_pb2.ParseBatchResponse) -> None:
        """See `Session.note_opening_answer`. These sequences have ended."""
        for event in response.events:
            if event.WhichOneof("event") == "error":
                self._forget(event.sequence_id)
                self._lost.setdefault(event.sequence_id, event)

    def add_lost(self, response: parse_pb2.ParseBatchResponse) -> None:
        """Adds the errors of lost sequences to the response of the step that replayed.

        They replace the error that a sequence is unknown, which is only their consequence.
        """
        if self._lost:
            others = [event for event in response.events if event.sequence_id not in self._lost]
            del response.events[:]
            for event in self._lost.values():
                response.events.add(sequence_id=event.sequence_id, error=event.error)
            response.events.extend(others)
            self._lost.clear()

    def make_request(
        self, sequence_ids: Sequence[int], tokens: Sequence[int]
    ) -> parse_pb2.ParseBatchRequest:
        """Returns the request of one step, with the sequences to open and to close."""
        if len(sequence_ids) != len(tokens):
            raise ValueError(f"{len(sequence_ids)} sequence ids for {len(tokens)} tokens")
        request = parse_pb2.ParseBatchRequest(
            open=self._to_open, sequence_ids=sequence_ids, tokens=tokens, close=self._to_close
        )
        self._to_open.clear()
        self._to_close.clear()
        return request

    def note_answer(
        self, request: parse_pb2.ParseBatchRequest, response: parse_pb2.ParseBatchResponse
    ) -> None:
        """Forgets sequences that ended; keeps the tokens of the others, in case of a replay.

        Raises:
            RpcError: The response is about sequences that the request does not name. It answers
                another request, or none.
        """
        if response.sequence_ids != request.sequence_ids:
            named = {*request.sequence_ids, *request.close}
            if not named.issuperset(response.sequence_ids):
                raise invalid_response()
        if self.replays:
            for opened in request.open:
                self._answered[opened.sequence_id] = _Sequence(opened, array("I"))
            for sequence_id, token in zip(request.sequence_ids, request.tokens, strict=True):
                if (sequence := self._answered.get(sequence_id)) is not None:
                    sequence.tokens.append(token)
        for event in response.events:
            if event.WhichOneof("event") == "error":
                self._forget(event.sequence_id)
        for sequence_id in request.close:
            self._forget(sequence_id)

    def _forget(self, sequence_id: int) -> None:
        self._open.discard(sequence_id)
        self._answered.pop(sequence_id, None)
