"""The state of a stream, apart from its transport: what to send, and what to keep for a replay.

A session that replays keeps every answered token, 4 bytes each. When a call breaks, it first sends
these tokens on a new call and ignores the responses, which hold nothing new. Then it sends the
unanswered request again. A response has all that its request's tokens complete, however earlier
tokens were split into requests, so the caller gets what the broken call would have returned.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from harmony_client.v1 import parse_pb2

RequestT_co = TypeVar("RequestT_co", covariant=True)

# Tokens in one request of a replay. They take at most 1 MB, which every server accepts.
_REPLAY_TOKENS: Final = 100_000


class Session(Protocol[RequestT_co]):
    """The state of one stream, which may outlive a call."""

    @property
    def replays(self) -> bool:
        """Whether a new call can replace a broken one."""

    def opening_requests(self) -> Iterator[RequestT_co]:
        """Yields the requests that bring a new call to the state of the session."""


class ParseSession:
    """The state of a stream with one sequence."""

    def __init__(self, config: parse_pb2.ParseConfig, *, replay: bool) -> None:
        self.replays = replay
        self._config = config
        self._answered = array("I")

    def opening_requests(self) -> Iterator[parse_pb2.ParseRequest]:
        """Yields requests with the configuration and the tokens answered so far."""
        yield parse_pb2.ParseRequest(config=self._config)
        for begin in range(0, len(self._answered), _REPLAY_TOKENS):
            yield self.make_request(self._answered[begin : begin + _REPLAY_TOKENS])

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


class BatchSession:
    """The state of a stream with many sequences."""

    def __init__(self, *, replay: bool) -> None:
        self.replays = replay
        self._open: set[int] = set()
        # What a replay has to bring back.
        self._answered: dict[int, _Sequence] = {}
        self._to_open: list[parse_pb2.OpenSequence] = []
        # A set that keeps its order.
        self._to_close: dict[int, None] = {}
        self._next_id = 0

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

    def opening_requests(self) -> Iterator[parse_pb2.ParseBatchRequest]:
        """Yields requests with the open sequences and their tokens answered so far."""
        if not self._answered:
            return
        yield parse_pb2.ParseBatchRequest(
            open=[sequence.opened for sequence in self._answered.values()]
        )
        ids, tokens = array("I"), array("I")
        for sequence_id, sequence in self._answered.items():
            ids += array("I", [sequence_id]) * len(sequence.tokens)
            tokens += sequence.tokens
        for begin in range(0, len(tokens), _REPLAY_TOKENS):
            part = slice(begin, begin + _REPLAY_TOKENS)
            yield parse_pb2.ParseBatchRequest(sequence_ids=ids[part], tokens=tokens[part])

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
        """Forgets sequences that ended; keeps the tokens of the others, in case of a replay."""
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
