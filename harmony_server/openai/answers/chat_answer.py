"""A chat completion, as a stream of chunks or as one body."""

from collections.abc import Iterator, Sequence

from ..answer_context import AnswerContext
from .chat_body import ChatChoice, chat_body
from .chat_chunks import ChatChunks, ChunkTemplate
from .chat_deltas import ChatDeltas
from .framing import Framing
from .json_bytes import dump
from .usage import Usage


class ChatAnswer:
    """Writes a chat completion: an `AnswerWriter`.

    Args:
        context: What the answer knows of its request.
        framing: How events are put into bytes.
    """

    def __init__(self, context: AnswerContext, framing: Framing) -> None:
        self._context = context
        self._template = ChunkTemplate(context, framing)
        self.frames: list[bytes] = []
        self.tails: Iterator[bytes] | None = None
        self._choices: list[ChatChoice] = []
        receivers: Sequence[ChatChunks | ChatChoice]
        if context.stream:
            receivers = [
                ChatChunks(
                    self._template, index, self.frames, is_legacy=context.legacy_function_call
                )
                for index in range(context.choices)
            ]
        else:
            receivers = self._choices = [
                ChatChoice(context, index) for index in range(context.choices)
            ]
        self._receivers = receivers
        self.sinks: Sequence[ChatDeltas] = [
            ChatDeltas(context, receiver, index) for index, receiver in enumerate(receivers)
        ]

    def open(self) -> None:
        """Gives each choice its role, in the order that clients index them by."""
        for receiver in self._receivers:
            receiver.add_role()

    def close(self, usage: Usage, error: str | None) -> bytes:
        """Writes the usage, or the error, and the end of the stream; returns the body."""
        if error is not None:
            failure = {
                "error": {"message": error, "type": "server_error", "param": None, "code": None}
            }
            self.frames += self._last_frames(self._template.error(failure))
            return b"" if self._context.stream else dump(failure)
        if not self._context.stream:
            return chat_body(self._context, self._choices, usage)
        last = self._template.usage(usage) if self._context.include_usage else b""
        self.frames += self._last_frames(last)
        return b""

    def cancel(self) -> bytes:
        """Writes nothing more and returns an empty body: every choice was cancelled."""
        return b""

    def _last_frames(self, frame: bytes) -> list[bytes]:
        return [frame, self._template.done] if self._context.stream else []
