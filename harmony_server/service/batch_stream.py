"""The ParseBatch stream: parses many sequences, usually with one request per engine step."""

from collections.abc import Sequence

from harmony_client.v1 import parse_pb2 as pb

from .. import bounds, core
from ..contract import from_proto, to_proto
from ..contract.requests import read_request
from ..contract.statuses import to_status
from ..core.events import ContentDelta, Event, Recovered
from ..core.lock_step import LockStep
from ..core.parser import MessageParser
from ..operations.abandonment import stop_if_abandoned, unless_abandoned
from ..operations.errors import Reason, RequestError, invalid_field, parse_failed
from ..operations.operations import Operations


class BatchStream:
    """Answers the requests of one ParseBatch stream. Call `close` at the end, whatever happened.

    Args:
        operations: Gives the encoding, limits and counters.

    Attributes:
        failure: Always None, because a failed sequence is an event.
    """

    failure: RequestError | None = None

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._parsers: dict[int, MessageParser] = {}
        # The sequences of the last request, as an engine usually steps the same ones again.
        self._group: LockStep | None = None

    def answer(self, data: bytes) -> bytes:
        """Returns the serialized response to a serialized request.

        Raises:
            RequestError: The request is malformed or too large, or too many sequences failed. The
                stream must end.
            AbandonedError: The caller has gone.
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
        prefilled = 0
        for index, opening in enumerate(request.open):
            stop_if_abandoned()
            prefilled += len(opening.config.prefill)
            limits.check_tokens(prefilled, f"open[{index}].config.prefill")
            step.open(opening, index)
        if step.changed_sequences:
            self._settle_group()
        group = self._find_group(sequence_ids)
        if group is None:
            step.feed_several(sequence_ids, tokens)
        else:
            step.feed_one_each(tokens, group)
        if step.changed_sequences or request.close:
            self._settle_group()
        for index, sequence_id in enumerate(request.close):
            stop_if_abandoned()
            step.close(sequence_id, index)
        return step.serialize()

    def finish(self) -> bytes:
        """Closes every open sequence and returns the serialized response to the half-close.

        Raises:
            RequestError: Too many sequences failed.
        """
        self._settle_group()
        step = _Step(self._operations, self._parsers)
        step.close_all()
        return step.serialize()

    def close(self) -> None:
        """Drops the sequences that are still open, so that they no longer count as open."""
        self._operations.limits.sequences.give_back(len(self._parsers))
        self._parsers.clear()

    def _find_group(self, sequence_ids: list[int]) -> LockStep | None:
        """Returns the group of these sequences, or None if one of them appears twice."""
        group = self._group
        if group is not None and group.ids == sequence_ids:
            return group
        self._settle_group()
        if len(set(sequence_ids)) == len(sequence_ids):
            self._group = LockStep(
                sequence_ids, [self._parsers.get(sequence_id) for sequence_id in sequence_ids]
            )
        return self._group

    def _settle_group(self) -> None:
        if self._group is not None:
            self._group.settle()
            self._group = None


class _Step:
    """Applies one request to the open sequences.

    Attributes:
        changed_sequences: Whether a sequence was opened, was closed or failed.
    """

    def __init__(self, operations: Operations, parsers: dict[int, MessageParser]) -> None:
        self._encoding = operations.encoding
        self._limits = operations.limits
        self._counters = operations.counters
        self._parsers = parsers
        self._response = pb.ParseBatchResponse()
        self.changed_sequences = False
        # Whether a sequence that asked for offsets has a delta in this step, or may have one.
        self._has_ranges = False
        # The sequences that failed in this step; the request's other entries for them are dropped.
        self._failed: set[int] = set()

    def open(self, opening: pb.OpenSequence, index: int) -> None:
        """Opens the sequence of `open[index]`."""
        sequence_id = opening.sequence_id
        self.changed_sequences = True
        if sequence_id in self._failed:
            return
        path = f"open[{index}]"
        if sequence_id in self._parsers:
            error = RequestError(Reason.SEQUENCE_OPEN, "the sequence is open already", field=path)
            self._fail(sequence_id, "open", error)
            return
        try:
            parser = from_proto.open_parser(
                self._encoding, opening.config, f"{path}.config", self._limits.header_tokens
            )
            self._limits.sequences.take(path)
        except RequestError as error:
            self._fail(sequence_id, "open", error)
        else:
            self._parsers[sequence_id] = parser

    def feed_one_each(self, tokens: list[int], group: LockStep) -> None:
        """Feeds one token to each sequence of a group. The hot path: an engine's usual step."""
        sequence_ids = group.ids
        deltas = group.step(tokens)
        ranges = group.token_ranges() if group.reports_offsets else None
        begin = 0
        for index in _find_empty(deltas):
            stop_if_abandoned()
            # The deltas of sequences that the request names earlier.
            self._response.sequence_ids.extend(sequence_ids[begin:index])
            self._response.deltas.extend(deltas[begin:index])
            if ranges is not None:
                self._add_ranges(ranges[0][begin:index], ranges[1][begin:index])
            begin = index + 1
            group.before_reading(index)
            self._feed(group.ids[index], tokens[index : index + 1], index)
            group.after_reading(index)
        self._response.sequence_ids.extend(sequence_ids[begin:])
        self._response.deltas.extend(deltas[begin:])
        if ranges is not None:
            self._add_ranges(ranges[0][begin:], ranges[1][begin:])

    def feed_several(self, sequence_ids: list[int], tokens: list[int]) -> None:
        """Feeds sequences of which some appear several times."""
        runs: dict[int, tuple[int, list[int]]] = {}
        for index, (sequence_id, token) in enumerate(zip(sequence_ids, tokens, strict=True)):
            runs.setdefault(sequence_id, (index, []))[1].append(token)
        for sequence_id, (index, run) in runs.items():
            stop_if_abandoned()
            self._feed(sequence_id, run, index)

    def close(self, sequence_id: int, index: int) -> None:
        """Closes the sequence of `close[index]`."""
        self.changed_sequences = True
        parser = self._remove(sequence_id)
        if parser is None:
            self._fail_unknown(sequence_id, "close", index)
        else:
            self._finish(sequence_id, parser)

    def close_all(self) -> None:
        """Closes every open sequence."""
        for sequence_id, parser in list(self._parsers.items()):
            self._remove(sequence_id)
            self._finish(sequence_id, parser)

    def serialize(self) -> bytes:
        """Returns the serialized response."""
        response = self._response
        if self._has_ranges:
            self._add_ranges((), ())
            if not any(response.delta_ends):
                response.ClearField("delta_begins")
                response.ClearField("delta_ends")
        return response.SerializeToString()

    def _finish(self, sequence_id: int, parser: MessageParser) -> None:
        events: list[Event] = []
        try:
            parser.finish(events)
        except core.ParseError as error:
            self._report(sequence_id, events)
            self._fail(sequence_id, "close", parse_failed(error))
        else:
            self._report(sequence_id, events)

    def _feed(self, sequence_id: int, tokens: list[int], index: int) -> None:
        """Feeds a sequence its tokens, the first of which is `tokens[index]` in the request."""
        parser = self._parsers.get(sequence_id)
        if parser is None:
            self._fail_unknown(sequence_id, "sequence_ids", index)
            return
        try:
            if len(tokens) == 1:
                self._feed_one(sequence_id, parser, tokens[0])
            else:
                for events in unless_abandoned(parser.feed_in_parts(tokens)):
                    self._report(sequence_id, events)
        except core.ParseError as error:
            self._fail(sequence_id, "sequence_ids", parse_failed(error))

    def _feed_one(self, sequence_id: int, parser: MessageParser, token: int) -> None:
        events: list[Event] = []
        try:
            parser.feed_one(token, events)
        finally:
            self._report(sequence_id, events)

    def _report(self, sequence_id: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ContentDelta):
                self._response.sequence_ids.append(sequence_id)
                self._response.deltas.append(event.text)
                if event.offsets is not None:
                    self._add_ranges(event.offsets[:1], event.offsets[1:])
            else:
                to_proto.fill_rare_event(self._add_event(sequence_id), event)
                if isinstance(event, Recovered):
                    self._counters.count_repair(event)

    def _add_ranges(self, begins: Sequence[int], ends: Sequence[int]) -> None:
        """Adds the ranges of the deltas that were added last."""
        self._has_ranges = True
        response = self._response
        # The deltas before them have none.
        missing = [0] * (len(response.deltas) - len(begins) - len(response.delta_begins))
        response.delta_begins.extend([*missing, *begins])
        response.delta_ends.extend([*missing, *ends])

    def _fail_unknown(self, sequence_id: int, field: str, index: int) -> None:
        if sequence_id not in self._failed:
            error = RequestError(
                Reason.SEQUENCE_UNKNOWN, "the sequence is not open", field=f"{field}[{index}]"
            )
            self._fail(sequence_id, field, error)

    def _fail(self, sequence_id: int, field: str, error: RequestError) -> None:
        """Closes a sequence with an error that an entry of the request's `field` caused."""
        self._remove(sequence_id)
        self.changed_sequences = True
        self._failed.add(sequence_id)
        if len(self._failed) > bounds.MAX_SEQUENCE_FAILURES:
            raise invalid_field(field, f"more than {bounds.MAX_SEQUENCE_FAILURES} sequences failed")
        self._counters.count_sequence_error(error.reason)
        self._add_event(sequence_id).error.CopyFrom(to_status(error))

    def _remove(self, sequence_id: int) -> MessageParser | None:
        parser = self._parsers.pop(sequence_id, None)
        if parser is not None:
            self._limits.sequences.give_back()
        return parser

    def _add_event(self, sequence_id: int) -> pb.SequenceEvent:
        return self._response.events.add(
            sequence_id=sequence_id, delta_index=len(self._response.deltas)
        )


def _find_empty(texts: list[str]) -> list[int]:
    """Returns the indices of the empty texts."""
    indices: list[int] = []
    index = -1
    # `list.index` is much faster than a loop, as few texts are empty.
    try:
        while True:
            index = texts.index("", index + 1)
            indices.append(index)
    except ValueError:
        return indices
