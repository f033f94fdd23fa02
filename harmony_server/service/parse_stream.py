"""The Parse stream: parses one sequence."""

import functools
from collections.abc import Callable, Iterable, Sequence

from harmony_client.v1 import parse_pb2 as pb

from .. import core
from ..contract import from_proto, to_proto, wire
from ..contract.requests import read_request
from ..core.events import Event, Recovered
from ..core.parser import MessageParser
from ..operations.abandonment import unless_abandoned
from ..operations.errors import Reason, RequestError, parse_failed
from ..operations.operations import Operations


class ParseStream:
    """Answers the requests of one Parse stream.

    Args:
        operations: Gives the encoding, limits and counters.

    Attributes:
        failure: The error with which the stream must end after the latest response, or None.
    """

    def __init__(self, operations: Operations) -> None:
        self._encoding = operations.encoding
        self._limits = operations.limits
        self._counters = operations.counters
        self._parser: MessageParser | None = None
        # The parser's `feed_text`, unless deltas have offsets, which that does not give.
        self._feed_text = _add_no_text
        self.failure: RequestError | None = None

    def answer(self, data: bytes) -> bytes:
        """Returns the serialized response to a serialized request.

        If parsing fails, the response has the events before the error, and `failure` is set.

        Raises:
            RequestError: The request is malformed, invalid, too large or out of order. The stream
                must end.
            AbandonedError: The caller has gone.
        """
        request = read_request(pb.ParseRequest, data)
        kind = request.WhichOneof("request")
        if self._parser is None:
            if kind != "config":
                raise _out_of_order("the first request must carry config")
            self._limits.check_tokens(len(request.config.prefill), "config.prefill")
            self._parser = from_proto.open_parser(
                self._encoding, request.config, "config", self._limits.header_tokens
            )
            if not self._parser.reports_offsets:
                self._feed_text = self._parser.feed_text
            return b""
        if kind != "tokens":
            raise _out_of_order("every request after the first must carry tokens")
        tokens = request.tokens.tokens[:]
        parser = self._parser
        if len(tokens) != 1:
            self._limits.check_tokens(len(tokens), "tokens.tokens")
            self._counters.count_parsed(len(tokens))
            return self._feed(parser, tokens)
        # The hot path: one token, which usually only adds text.
        self._counters.count_parsed(1)
        text = self._feed_text(tokens[0])
        if text:
            return wire.write_delta_response(text)
        return self._respond_to(functools.partial(parser.feed_one, tokens[0]))

    def finish(self) -> bytes:
        """Returns the serialized response to the half-close, and may set `failure`."""
        return self._respond_to(self._parser.finish) if self._parser else b""

    def close(self) -> None:
        """Does nothing, as the stream holds nothing that counts against a limit."""

    def _feed(self, parser: MessageParser, tokens: Sequence[int]) -> bytes:
        # Serialized responses, joined, are one response with the events of all.
        responses: list[bytes] = []
        try:
            for events in unless_abandoned(parser.feed_in_parts(tokens)):
                responses.append(self._build_response(events))  # noqa: PERF401  # keep them on failure
        except core.ParseError as error:
            self.failure = parse_failed(error)
        return b"".join(responses)

    def _respond_to(self, parse: Callable[[list[Event]], None]) -> bytes:
        events: list[Event] = []
        try:
            parse(events)
        except core.ParseError as error:
            self.failure = parse_failed(error)
        return self._build_response(events)

    def _build_response(self, events: Iterable[Event]) -> bytes:
        response = pb.ParseResponse()
        for event in events:
            to_proto.fill_event(response.events.add(), event)
            if isinstance(event, Recovered):
                self._counters.count_repair(event)
        return response.SerializeToString()


def _add_no_text(token: int) -> str:  # noqa: ARG001  # stands for `feed_text`
    return ""


def _out_of_order(message: str) -> RequestError:
    return RequestError(Reason.OUT_OF_ORDER, message, field="request")
