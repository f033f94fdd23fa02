"""The chunks of a streamed chat completion, put together from bytes that were made before."""

from collections.abc import Sequence
from typing import Any

from ..answer_context import AnswerContext, ReasoningField
from .framing import Framing, frame_ends
from .json_bytes import dump, quoted
from .logprobs import LogprobEntry
from .message_kind import MessageKind
from .usage import Usage

_REASONING_NAMES = {
    ReasoningField.BOTH: ("reasoning", "reasoning_content"),
    ReasoningField.REASONING: ("reasoning",),
    ReasoningField.REASONING_CONTENT: ("reasoning_content",),
    ReasoningField.NONE: (),
}
_NO_LOGPROBS = b"null"


def reasoning_names(field: ReasoningField) -> tuple[str, ...]:
    """Returns the members of a message, or of a delta, that have the reasoning."""
    return _REASONING_NAMES[field]


class ChunkTemplate:
    """The bytes that all chunks of an answer share.

    Args:
        context: What the answer knows of its request.
        framing: How events are put into bytes.
    """

    __slots__ = ("_head", "_tail", "_usage_end", "_usage_tail", "done", "error_ends", "field")

    def __init__(self, context: AnswerContext, framing: Framing) -> None:
        header = context.header
        ends = self.error_ends = frame_ends(framing)
        self._head = ends.before + (
            b'{"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":['
            % (quoted(header.id), header.created, quoted(header.model or ""))
        )
        fingerprint = b""
        if header.system_fingerprint is not None:
            fingerprint = b',"system_fingerprint":' + quoted(header.system_fingerprint)
        usage = b',"usage":null' if context.include_usage else b""
        self._tail = b"]%b%b}%b" % (fingerprint, usage, ends.after)
        self._usage_tail = b']%b,"usage":' % fingerprint
        self._usage_end = b"}" + ends.after
        self.field = context.reasoning_field
        # Not JSON, so it is not a line of its own.
        self.done = b"data: [DONE]\n\n" if framing is Framing.SSE else b""

    def choice_ends(self, index: int) -> tuple[bytes, bytes]:
        """Returns what stands before and behind the delta of a choice."""
        before = b'%b{"index":%d,"delta":' % (self._head, index)
        return before, b',"logprobs":null,"finish_reason":null}' + self._tail

    def last(self, index: int, finish_reason: str) -> bytes:
        """Returns the chunk that ends a choice."""
        return b'%b{"index":%d,"delta":{},"logprobs":null,"finish_reason":%b}%b' % (
            self._head,
            index,
            quoted(finish_reason),
            self._tail,
        )

    def with_logprobs(self, index: int, delta: bytes, logprobs: Sequence[LogprobEntry]) -> bytes:
        """Returns a chunk that has log probabilities."""
        entries = dump({"content": [entry.for_chat() for entry in logprobs], "refusal": None})
        return b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":null}%b' % (
            self._head,
            index,
            delta,
            entries,
            self._tail,
        )

    def usage(self, usage: Usage) -> bytes:
        """Returns the chunk that has the usage and no choice."""
        return self._head + self._usage_tail + dump(usage.chat()) + self._usage_end

    def error(self, error: dict[str, Any]) -> bytes:
        """Returns the frame of an error."""
        return self.error_ends.before + dump(error) + self.error_ends.after


class ChatChunks:
    """Writes the deltas of one choice as chunks.

    Args:
        template: Of the answer.
        index: The index of the choice.
        is_legacy: Whether a call is `function_call`.
        out: Where the frames go.
    """

    __slots__ = (
        "_after",
        "_before",
        "_content",
        "_index",
        "_is_legacy",
        "_out",
        "_reasoning",
        "_template",
    )

    def __init__(
        self, template: ChunkTemplate, index: int, out: list[bytes], *, is_legacy: bool
    ) -> None:
        self._template = template
        self._index = index
        self._is_legacy = is_legacy
        self._out = out
        before, after = self._before, self._after = template.choice_ends(index)
        self._content = (before + b'{"content":', b"}" + after)
        names = [quoted(name) for name in reasoning_names(template.field)]
        self._reasoning = (
            before + b"{%b:" % b"".join(names[:1]),
            *(b",%b:" % name for name in names[1:]),
            b"}" + after,
        )

    def pieces(self, kind: MessageKind, call_index: int) -> Sequence[bytes]:
        """Returns what a frame of text consists of without the text."""
        if kind is MessageKind.CALL:
            return self._arguments(call_index)
        return self._content if kind.is_content else self._reasoning

    def add_role(self) -> None:
        """Writes the first chunk."""
        self._out.append(self._before + b'{"role":"assistant"}' + self._after)

    def add_reasoning(self, text: str) -> None:
        """Writes more reasoning."""
        self._out.append(quoted(text).join(self._reasoning))

    def add_content(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Writes more content."""
        if logprobs:
            delta = b'{"content":%b}' % quoted(text)
            self._out.append(self._template.with_logprobs(self._index, delta, logprobs))
        else:
            self._out.append(quoted(text).join(self._content))

    def begin_call(self, index: int, call_id: str, name: str) -> None:
        """Writes the beginning of a call, which alone has its id and its name."""
        function = b'{"name":%b,"arguments":""}' % quoted(name)
        if self._is_legacy:
            delta = b'{"function_call":%b}' % function
        else:
            delta = b'{"tool_calls":[{"index":%d,"id":%b,"type":"function","function":%b}]}' % (
                index,
                quoted(call_id),
                function,
            )
        self._out.append(self._before + delta + self._after)

    def add_arguments(self, index: int, text: str) -> None:
        """Writes more arguments."""
        self._out.append(quoted(text).join(self._arguments(index)))

    def finish(self, finish_reason: str) -> None:
        """Writes the last chunk of the choice."""
        self._out.append(self._template.last(self._index, finish_reason))

    def _arguments(self, index: int) -> tuple[bytes, bytes]:
        if self._is_legacy:
            return (
                self._before + b'{"function_call":{"arguments":',
                b"}}" + self._after,
            )
        return (
            self._before + b'{"tool_calls":[{"index":%d,"function":{"arguments":' % index,
            b"}}]}" + self._after,
        )
