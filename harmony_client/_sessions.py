"""What streams send and what they remember: all of Parse and ParseBatch but the transport.

A session that replays remembers the tokens that were answered, 4 bytes each. An answer holds
everything that its request's tokens complete, however they were split before. So when a call
breaks, the tokens answered go to a new call and the answers to them hold nothing new; then the
request that had no answer is sent again, and its answer is what it would have been.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from harmony_client.v1 import parse_pb2

RequestT_co = TypeVar("RequestT_co", covariant=True)

# Tokens in one request of a replay: at most 1 MB, which every server accepts.
_REPLAY_TOKENS: Final = 100_000


class Session(Protocol[RequestT_co]):
    """What a stream is made of, call by call."""

    @property
    def replays(self) -> bool:
        """Whether a new call can take the place of a broken one."""

    def opening(self) -> Iterator[RequestT_co]:
        """Yields the requests that bring a new call to where the session is."""


class ParseSession:
    """One sequence."""

    def __init__(self, config: parse_pb2.ParseConfig, *, replay: bool) -> None:
        self.replays = replay
        self._config = config
        self._answered = array("I")

    def opening(self) -> Iterator[parse_pb2.ParseRequest]:
        """Yields the config and the tokens answered so far."""
        yield parse_pb2.ParseRequest(config=self._config)
        for begin in range(0, len(self._answered), _REPLAY_TOKENS):
            yield self.request(self._answered[begin : begin + _REPLAY_TOKENS])

    def request(self, tokens: Iterable[int]) -> parse_pb2.ParseRequest:
        """Returns the request that feeds tokens."""
        return parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=tokens))

    def answered(self, request: parse_pb2.ParseRequest) -> None:
        """Notes that a request has its answer."""
        if self.replays:
            self._answered.extend(request.tokens.tokens)


class _Sequence(NamedTuple):
    """An open sequence of a batch and its tokens that were answered."""

    opened: parse_pb2.OpenSequence
    tokens: array[int]


class BatchSession:
    """Many sequences."""

    def __init__(self, *, replay: bool) -> None:
        self.replays = replay
        # Opened by the caller; what the server knows of them, for a replay; what it must be told.
        self._open: set[int] = set()
        self._answered: dict[int, _Sequence] = {}
        self._to_open: list[parse_pb2.OpenSequence] = []
        # In order, each once.
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
            raise ValueError(f"sequence {sequence_id} is open already")
        self._to_open.append(parse_pb2.OpenSequence(sequence_id=sequence_id, config=config))
        self._open.add(sequence_id)
        return sequence_id

    def close(self, sequence_id: int) -> None:
        """Closes a sequence with the next request."""
        if sequence_id not in self._open or sequence_id in self._to_close:
            raise ValueError(f"sequence {sequence_id} is not open")
        self._to_close[sequence_id] = None

    def opening(self) -> Iterator[parse_pb2.ParseBatchRequest]:
        """Yields the open sequences and the tokens of them answered so far."""
        if not self._answered:
            return
        yield parse_pb2.ParseBatchRequest(open=[known.opened for known in self._answered.values()])
        ids, tokens = array("I"), array("I")
        for sequence_id, known in self._answered.items():
            ids += array("I", [sequence_id]) * len(known.tokens)
            tokens += known.tokens
        for begin in range(0, len(tokens), _REPLAY_TOKENS):
            part = slice(begin, begin + _REPLAY_TOKENS)
            yield parse_pb2.ParseBatchRequest(sequence_ids=ids[part], tokens=tokens[part])

    def request(
        self, sequence_ids: Sequence[int], tokens: Sequence[int]
    ) -> parse_pb2.ParseBatchRequest:
        """Returns the request of one step, with what is to be opened and closed."""
        if len(sequence_ids) != len(tokens):
            raise ValueError(f"{len(sequence_ids)} sequence ids for {len(tokens)} tokens")
        request = parse_pb2.ParseBatchRequest(
            open=self._to_open, sequence_ids=sequence_ids, tokens=tokens, close=self._to_close
        )
        self._to_open.clear()
        self._to_close.clear()
        return request

    def answered(
        self, request: parse_pb2.ParseBatchRequest, response: parse_pb2.ParseBatchResponse
    ) -> None:
        """Notes the answer of a request."""
        if self.replays:
            for opened in request.open:
                self._answered[opened.sequence_id] = _Sequence(opened, array("I"))
            for sequence_id, token in zip(request.sequence_ids, request.tokens, strict=True):
                if (known := self._answered.get(sequence_id)) is not None:
                    known.tokens.append(token)
        for event in response.events:
            if event.WhichOneof("event") == "error":
                self._forget(event.sequence_id)
        for sequence_id in request.close:
            self._forget(sequence_id)

    def _forget(self, sequence_id: int) -> None:
        self._open.discard(sequence_id)
        self._answered.pop(sequence_id, None)
