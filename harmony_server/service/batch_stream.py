"""The ParseBatch stream: many sequences, one request per engine step."""

import itertools

from harmony_client.v1 import parse_pb2 as pb

from .. import bounds, core
from ..contract import from_proto, to_proto
from ..contract.requests import read_request
from ..contract.statuses import to_status
from ..core.events import ContentDelta, Event, Recovered
from ..core.lock_step import LockStep
from ..core.parser import MessageParser
from ..operations.abandonment import stop_if_abandoned
from ..operations.errors import Reason, RequestError, invalid_field, parse_failed
from ..operations.operations import Operations


class BatchStream:
    """Answers the requests of one ParseBatch stream.

    Attributes:
        failure: Always None: an error of a sequence is an event.
    """

    failure: RequestError | None = None

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._parsers: dict[int, MessageParser] = {}
        # An engine steps the same sequences again and again: those of the last request.
        self._group: LockStep | None = None

    def answer(self, data: bytes) -> bytes:
        """Returns the response to a request.

        Raises:
            RequestError: The request is malformed; the stream ends.
        """
        request = read_request(pb.ParseBatchRequest, data)
        sequence_ids = request.sequence_ids[:]
        tokens = request.tokens[:]
        if len(sequence_ids) != len(tokens):
            raise invalid_field("tokens", "must be as many as sequence_ids")
        limits = self._operations.limits
        limits.check_tokens(len(tokens), "tokens")
        limits.check_tokens(len(request.open), "open")
        limits.check_tokens(len(request.close), "close")
        self._operations.counters.count_parsed(len(tokens))
        step = _Step(self._operations, self._parsers)
        for index, opened in enumerate(request.open):
            stop_if_abandoned()
            step.open(opened, f"open[{index}]")
        if step.changed_sequences:
            self._let_group_go()
        group = self._group_of(sequence_ids)
        if group is None:
            step.feed_several(sequence_ids, tokens)
        else:
            step.feed_one_each(tokens, group)
        if step.changed_sequences or request.close:
            self._let_group_go()
        for index, sequence_id in enumerate(request.close):
            stop_if_abandoned()
            step.close(sequence_id, f"close[{index}]")
        return step.response.SerializeToString()

    def finish(self) -> bytes:
        """Returns the response to the half-close, which closes every open sequence."""
        self._let_group_go()
        step = _Step(self._operations, self._parsers)
        for sequence_id in list(self._parsers):
            step.close(sequence_id, "")
        return step.response.SerializeToString()

    def close(self) -> None:
        """Ends the stream, whatever was answered: its sequences are open no longer."""
        self._operations.limits.sequences.give_back(len(self._parsers))
        self._parsers.clear()

    def _group_of(self, sequence_ids: list[int]) -> LockStep | None:
        """Returns the sequences as a group, or None where one of them stands twice."""
        group = self._group
        if group is not None and group.ids == sequence_ids:
            return group
        self._let_group_go()
        if len(set(sequence_ids)) == len(sequence_ids):
            self._group = LockStep(sequence_ids, [self._parsers.get(it) for it in sequence_ids])
        return self._group

    def _let_group_go(self) -> None:
        if self._group is not None:
            self._group.settle()
            self._group = None


class _Step:
    """One request's work on the open sequences, and what it gives.

    Attributes:
        response: The response.
        changed_sequences: Whether a sequence was opened, closed or failed.
    """

    def __init__(self, operations: Operations, parsers: dict[int, MessageParser]) -> None:
        self._encoding = operations.encoding
        self._limits = operations.limits
        self._counters = operations.counters
        self._parsers = parsers
        self.response = pb.ParseBatchResponse()
        self.changed_sequences = False
        # Sequences that failed in this step: what else the request says of them is dropped.
        self._failed: set[int] = set()

    def open(self, request: pb.OpenSequence, path: str) -> None:
        """Opens a sequence."""
        sequence_id = request.sequence_id
        self.changed_sequences = True
        if sequence_id in self._failed:
            return
        if sequence_id in self._parsers:
            self._fail(sequence_id, _sequence_error(Reason.SEQUENCE_OPEN, "is open already", path))
            return
        try:
            parser = from_proto.open_parser(
                self._encoding, request.config, f"{path}.config", self._limits.header_tokens
            )
            self._limits.sequences.take(path)
        except RequestError as error:
            self._fail(sequence_id, error)
        else:
            self._parsers[sequence_id] = parser

    def feed_one_each(self, tokens: list[int], group: LockStep) -> None:
        """Feeds each sequence of a group one token: an engine's usual step, and the hot path."""
        sequence_ids = group.ids
        deltas = group.step(tokens)
        rest = _places_of_nothing(deltas)
        if rest:
            is_text = map(bool, deltas)
            sequence_ids = list(itertools.compress(sequence_ids, is_text))
            deltas = list(filter(None, deltas))
        self.response.sequence_ids.extend(sequence_ids)
        self.response.deltas.extend(deltas)
        for index in rest:
            group.before_reading(index)
            self._feed(group.ids[index], tokens[index : index + 1], index)
            group.after_reading(index)

    def feed_several(self, sequence_ids: list[int], tokens: list[int]) -> None:
        """Feeds sequences of which some stand several times."""
        runs: dict[int, tuple[int, list[int]]] = {}
        for index, (sequence_id, token) in enumerate(zip(sequence_ids, tokens, strict=True)):
            runs.setdefault(sequence_id, (index, []))[1].append(token)
        for sequence_id, (index, run) in runs.items():
            stop_if_abandoned()
            self._feed(sequence_id, run, index)

    def close(self, sequence_id: int, path: str) -> None:
        """Ends a sequence."""
        self.changed_sequences = True
        parser = self._let_go(sequence_id)
        if parser is None:
            self._fail_unknown(sequence_id, path)
            return
        events: list[Event] = []
        try:
            parser.finish(events)
        except core.ParseError as error:
            self._report(sequence_id, events)
            self._fail(sequence_id, parse_failed(error))
        else:
            self._report(sequence_id, events)

    def _feed(self, sequence_id: int, tokens: list[int], index: int) -> None:
        """Feeds a sequence its tokens, the first of which stands at `index` of the request."""
        parser = self._parsers.get(sequence_id)
        if parser is None:
            self._fail_unknown(sequence_id, f"sequence_ids[{index}]")
            return
        events: list[Event] = []
        try:
            if len(tokens) == 1:
                parser.feed_one(tokens[0], events)
            else:
                parser.feed(tokens, events)
        except core.ParseError as error:
            self._report(sequence_id, events)
            self._fail(sequence_id, parse_failed(error))
        else:
            self._report(sequence_id, events)

    def _report(self, sequence_id: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ContentDelta):
                self.response.sequence_ids.append(sequence_id)
                self.response.deltas.append(event.text)
            else:
                to_proto.fill_rare_event(self._add_event(sequence_id), event)
                if isinstance(event, Recovered):
                    self._counters.count_repair(event)

    def _fail_unknown(self, sequence_id: int, path: str) -> None:
        if sequence_id not in self._failed:
            self._fail(sequence_id, _sequence_error(Reason.SEQUENCE_UNKNOWN, "is not open", path))

    def _fail(self, sequence_id: int, error: RequestError) -> None:
        self._let_go(sequence_id)
        self.changed_sequences = True
        self._failed.add(sequence_id)
        if len(self._failed) > bounds.MAX_SEQUENCE_FAILURES:
            raise invalid_field(
                "sequence_ids", f"more than {bounds.MAX_SEQUENCE_FAILURES} sequences failed"
            )
        self._counters.count_sequence_error(error.reason)
        self._add_event(sequence_id).error.CopyFrom(to_status(error))

    def _let_go(self, sequence_id: int) -> MessageParser | None:
        parser = self._parsers.pop(sequence_id, None)
        if parser is not None:
            self._limits.sequences.give_back()
        return parser

    def _add_event(self, sequence_id: int) -> pb.SequenceEvent:
        return self.response.events.add(
            sequence_id=sequence_id, delta_index=len(self.response.deltas)
        )


def _places_of_nothing(texts: list[str]) -> list[int]:
    """Returns where the empty texts stand."""
    places: list[int] = []
    place = -1
    try:
        while True:
            place = texts.index("", place + 1)
            places.append(place)
    except ValueError:
        return places


def _sequence_error(reason: Reason, message: str, path: str) -> RequestError:
    return RequestError(reason, f"the sequence {message}", field=path)
