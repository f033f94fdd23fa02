"""A response, as a stream of events or as one body."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..answer_context import AnswerContext
from .context_checks import read_echo
from .ends import EndReason
from .framing import Framing
from .json_bytes import dump, on_one_line, quoted
from .response_events import EventWriter
from .response_output import ResponseOutput
from .usage import Usage

# Members that the official types demand, for a context that does not repeat them.
_REQUIRED = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
_INCOMPLETE = {
    EndReason.LENGTH: {"reason": "max_output_tokens"},
    EndReason.CONTENT_FILTER: {"reason": "content_filter"},
}


class ResponseAnswer:
    """Writes a response: an `AnswerWriter`.

    Args:
        context: What the answer knows of its request.
        framing: How events are put into bytes.
    """

    def __init__(self, context: AnswerContext, framing: Framing) -> None:
        header = context.header
        self._events = EventWriter(framing, is_stream=context.stream)
        self.frames = self._events.frames
        self.tails: Iterator[bytes] | None = self._events.tails if context.stream else None
        self._output = ResponseOutput(context, self._events)
        self.sinks: Sequence[ResponseOutput] = [self._output]
        self._head = b'{"id":%b,"object":"response","created_at":%d,"model":%b,' % (
            quoted(header.id),
            header.created,
            quoted(header.model or ""),
        )
        self._echo = _echo_members(context)

    def open(self) -> None:
        """Writes the first two events."""
        response = self._response("in_progress")
        self._events.emit("response.created", b'"response":' + response)
        self._events.emit("response.in_progress", b'"response":' + response)

    def close(self, usage: Usage, error: str | None) -> bytes:
        """Writes the last event and returns its Response object."""
        status = "completed"
        failure = details = None
        if error is not None:
            status, failure = "failed", {"code": "server_error", "message": error}
        elif self._output.end_reason in _INCOMPLETE:
            status, details = "incomplete", _INCOMPLETE[self._output.end_reason]
        response = self._response(status, failure, details, usage.response())
        self._events.emit(f"response.{status}", b'"response":' + response)
        return response

    def cancel(self) -> bytes:
        """Writes nothing more and returns an empty body: there is no event for it."""
        return b""

    def _response(
        self,
        status: str,
        error: dict[str, Any] | None = None,
        incomplete_details: dict[str, Any] | None = None,
        usage: dict[str, Any] | None = None,
    ) -> bytes:
        return b'%b"status":%b,"error":%b,"incomplete_details":%b,"output":[%b],%b,"usage":%b}' % (
            self._head,
            quoted(status),
            dump(error),
            dump(incomplete_details),
            b",".join(self._output.items),
            self._echo,
            dump(usage),
        )


def _echo_members(context: AnswerContext) -> bytes:
    """Returns the members that repeat the request, number for number as the context has them."""
    echo = read_echo(context)
    missing = {name: value for name, value in _REQUIRED.items() if name not in echo}
    members = [on_one_line(context.echo_json).strip()[1:-1].strip()] if echo else []
    if missing:
        members.append(dump(missing)[1:-1])
    return b",".join(members)
