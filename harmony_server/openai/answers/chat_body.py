"""The body of a chat completion that is not streamed: its deltas, added up."""

from collections.abc import Sequence
from typing import Any

from ..answer_context import AnswerContext
from .chat_chunks import reasoning_names
from .json_bytes import dump
from .logprobs import LogprobEntry
from .message_kind import MessageKind
from .usage import Usage


class ChatChoice:
    """Adds up the deltas of one choice.

    Args:
        context: What the answer knows of its request.
        index: The index of the choice.

    Attributes:
        finish_reason: Why it ended; None before.
    """

    __slots__ = (
        "_calls",
        "_content",
        "_context",
        "_index",
        "_logprobs",
        "_reasoning",
        "finish_reason",
    )

    def __init__(self, context: AnswerContext, index: int) -> None:
        self._context = context
        self._index = index
        self._reasoning: list[str] = []
        self._content: list[str] = []
        self._logprobs: list[LogprobEntry] = []
        # The id, the name and the arguments of each call.
        self._calls: list[tuple[str, str, list[str]]] = []
        self.finish_reason: str | None = None

    def pieces(self, kind: MessageKind, call_index: int) -> Sequence[bytes]:  # noqa: ARG002
        """Returns nothing: a body has no frames."""
        return ()

    def add_role(self) -> None:
        """Does nothing: every message has the role."""

    def add_reasoning(self, text: str) -> None:
        """Adds reasoning."""
        self._reasoning.append(text)

    def add_content(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Adds content."""
        self._content.append(text)
        self._logprobs += logprobs

    def begin_call(self, index: int, call_id: str, name: str) -> None:  # noqa: ARG002
        """Adds a call; the indices are dense."""
        self._calls.append((call_id, name, []))

    def add_arguments(self, index: int, text: str) -> None:
        """Adds arguments to a call."""
        self._calls[index][2].append(text)

    def finish(self, finish_reason: str) -> None:
        """Notes why the choice ended."""
        self.finish_reason = finish_reason

    def to_json(self) -> dict[str, Any]:
        """Returns the choice."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self._content) if self._content else None,
            "refusal": None,
        }
        if self._reasoning:
            reasoning = "".join(self._reasoning)
            message |= dict.fromkeys(reasoning_names(self._context.reasoning_field), reasoning)
        message |= self._calls_to_json()
        logprobs = None
        if self._logprobs:
            entries = [entry.for_chat() for entry in self._logprobs]
            logprobs = {"content": entries, "refusal": None}
        return {
            "index": self._index,
            "message": message,
            "logprobs": logprobs,
            "finish_reason": self.finish_reason,
        }

    def _calls_to_json(self) -> dict[str, Any]:
        calls = [
            (call_id, {"name": name, "arguments": "".join(arguments)})
            for call_id, name, arguments in self._calls
        ]
        if not calls:
            return {}
        if self._context.legacy_function_call:
            return {"function_call": calls[0][1]}
        return {
            "tool_calls": [
                {"id": call_id, "type": "function", "function": function}
                for call_id, function in calls
            ]
        }


def chat_body(context: AnswerContext, choices: Sequence[ChatChoice], usage: Usage) -> bytes:
    """Returns the body of a chat completion with the choices that have ended."""
    header = context.header
    body: dict[str, Any] = {
        "id": header.id,
        "object": "chat.completion",
        "created": header.created,
        "model": header.model or "",
        "choices": [choice.to_json() for choice in choices if choice.finish_reason is not None],
    }
    if header.system_fingerprint is not None:
        body["system_fingerprint"] = header.system_fingerprint
    return dump(body | {"usage": usage.chat()})
