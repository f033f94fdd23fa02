"""The ParseBatch stream: many sequences, one request per engine step."""

import grpc

from harmony_client.v1 import parse_pb2 as pb

from . import core, to_proto
from .core.events import ContentDelta, Event, MessageCompleted, MessageStarted
from .core.parser import MessageParser
from .parse_stream import open_parser
from .request_error import RequestError, invalid_field, read_request
from .service import parse_failed

# Every so many requests the texts of single tokens are joined: between two joins a sequence holds
# a pointer for each.
_REQUESTS_BETWEEN_JOINS = 512


class BatchStream:
    """Answers the requests of one ParseBatch stream.

    Attributes:
        failure: Always None: an error of a sequence is an event.
    """

    failure: RequestError | None = None

    def __init__(self, encoding: core.HarmonyEncoding) -> None:
        self._encoding = encoding
        self._parsers: dict[int, MessageParser] = {}
        self._requests = 0

    def answer(self, data: bytes) -> bytes:
        """Returns the response to a request.

        Raises:
            RequestError: The request is malformed; the stream ends.
        """
        request = read_request(pb.ParseBatchRequest, data)
        sequence_ids = list(request.sequence_ids)
        tokens = list(request.tokens)
        if len(sequence_ids) != len(tokens):
            raise invalid_field("tokens", "must be as many as sequence_ids")
        step = _Step(self._encoding, self._parsers)
        for index, opened in enumerate(request.open):
            step.open(opened, f"open[{index}]")
        if len(set(sequence_ids)) == len(sequence_ids):
            step.feed_one_each(sequence_ids, tokens)
        else:
            step.feed_several(sequence_ids, tokens)
        for sequence_id in request.close:
            step.close(sequence_id)
        self._requests += 1
        if self._requests % _REQUESTS_BETWEEN_JOINS == 0:
            for parser in self._parsers.values():
                parser.join_parts()
        return step.response()

    def finish(self) -> bytes:
        """Returns the response to the half-close, which closes every open sequence."""
        step = _Step(self._encoding, self._parsers)
        for sequence_id in list(self._parsers):
            step.close(sequence_id)
        return step.response()


class _Step:
    """One request's work on the open sequences, and what it gives."""

    def __init__(self, encoding: core.HarmonyEncoding, parsers: dict[int, MessageParser]) -> None:
        self._encoding = encoding
        self._parsers = parsers
        self._delta_ids: list[int] = []
        self._deltas: list[str] = []
        self._events: list[pb.SequenceEvent] = []
        # Sequences that failed in this step: what else the request says of them is dropped.
        self._failed: set[int] = set()

    def open(self, request: pb.OpenSequence, path: str) -> None:
        sequence_id = request.sequence_id
        if sequence_id in self._parsers:
            self._fail(sequence_id, _sequence_error("SEQUENCE_OPEN", "is open already", path))
            return
        try:
            parser = open_parser(self._encoding, request.config, f"{path}.config")
        except RequestError as error:
            self._fail(sequence_id, error)
        else:
            self._parsers[sequence_id] = parser

    def feed_one_each(self, sequence_ids: list[int], tokens: list[int]) -> None:
        """Feeds each sequence one token: an engine's usual step, and the hot path."""
        parsers = self._parsers
        add_id = self._delta_ids.append
        add_delta = self._deltas.append
        for sequence_id, token in zip(sequence_ids, tokens, strict=True):
            try:
                parser = parsers[sequence_id]
                text = parser.direct[token]
            except (KeyError, IndexError):
                text = None
            if text is None:
                self._feed(sequence_id, [token])
            else:
                parser.parts.append(text)
                parser.offset += 1
                add_id(sequence_id)
                add_delta(text)

    def feed_several(self, sequence_ids: list[int], tokens: list[int]) -> None:
        """Feeds sequences of which some stand several times."""
        runs: dict[int, list[int]] = {}
        for sequence_id, token in zip(sequence_ids, tokens, strict=True):
            runs.setdefault(sequence_id, []).append(token)
        for sequence_id, run in runs.items():
            self._feed(sequence_id, run)

    def close(self, sequence_id: int) -> None:
        parser = self._parsers.pop(sequence_id, None)
        if parser is None:
            self._fail_unknown(sequence_id)
            return
        events: list[Event] = []
        try:
            parser.finish(events)
        except core.ParseError as error:
            self._report(sequence_id, events)
            self._fail(sequence_id, parse_failed(error))
        else:
            self._report(sequence_id, events)

    def response(self) -> bytes:
        return pb.ParseBatchResponse(
            sequence_ids=self._delta_ids, deltas=self._deltas, events=self._events
        ).SerializeToString()

    def _feed(self, sequence_id: int, tokens: list[int]) -> None:
        parser = self._parsers.get(sequence_id)
        if parser is None:
            self._fail_unknown(sequence_id)
            return
        events: list[Event] = []
        try:
            parser.feed(tokens, events)
        except core.ParseError as error:
            self._report(sequence_id, events)
            self._fail(sequence_id, parse_failed(error))
        else:
            self._report(sequence_id, events)

    def _report(self, sequence_id: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ContentDelta):
                self._delta_ids.append(sequence_id)
                self._deltas.append(event.text)
                continue
            sequence_event = self._add_event(sequence_id)
            if isinstance(event, MessageStarted):
                sequence_event.started.CopyFrom(to_proto.started(event))
            elif isinstance(event, MessageCompleted):
                sequence_event.completed.CopyFrom(to_proto.completed(event))
            else:
                sequence_event.recovered.CopyFrom(to_proto.recovered(event))

    def _fail_unknown(self, sequence_id: int) -> None:
        if sequence_id not in self._failed:
            error = _sequence_error("SEQUENCE_UNKNOWN", "is not open", "sequence_ids")
            self._fail(sequence_id, error)

    def _fail(self, sequence_id: int, error: RequestError) -> None:
        self._parsers.pop(sequence_id, None)
        self._failed.add(sequence_id)
        self._add_event(sequence_id).error.CopyFrom(error.to_status())

    def _add_event(self, sequence_id: int) -> pb.SequenceEvent:
        event = pb.SequenceEvent(sequence_id=sequence_id, delta_index=len(self._deltas))
        self._events.append(event)
        return event


def _sequence_error(reason: str, message: str, path: str) -> RequestError:
    return RequestError(
        grpc.StatusCode.INVALID_ARGUMENT, reason, f"the sequence {message}", field=path
    )
