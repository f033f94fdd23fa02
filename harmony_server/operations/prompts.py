"""Renders the prompts of OpenAI requests, with the cache, the limits and the counters of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .. import core
from ..openai.answer_context import AnswerHeader
from ..openai.planned_message import PlannedMessage
from ..openai.prompt import Prompt, PromptPlan, end_prompt
from ..openai.render_policy import RenderPolicy
from ..openai.request_errors import RequestBodyError
from ..openai.requests import plan_chat_completion, plan_model_response
from .errors import Reason, RequestError
from .offloading import PreparedWork
from .operations import Operations

# The field of the whole body, for errors that have no place in it.
_BODY = "body_json"


class RenderedPrompt(NamedTuple):
    """A prompt whose tokens are packed.

    Attributes:
        packed: The packed tokens of the whole prompt.
        prompt: Everything else; its `prompt_tokens` are only the prefilled ones.
    """

    packed: bytes
    prompt: Prompt


class _PlannedMessages(NamedTuple):
    """The messages of a plan; implements `rendering.Messages`.

    Attributes:
        messages: The messages.
        keys: Their cache keys. Those of other front ends are of other types.
    """

    messages: Sequence[PlannedMessage | core.Message]
    keys: Sequence[PlannedMessage | str]

    def size(self, index: int) -> int:
        key = self.keys[index]
        return len(key) if isinstance(key, str) else len(key.text)

    def field(self, index: int) -> str:  # noqa: ARG002  # no longer known
        return _BODY

    def read(self, index: int) -> core.Message:
        message = self.messages[index]
        return message.to_core() if isinstance(message, PlannedMessage) else message


def prepare_chat_completion(
    operations: Operations, body: bytes, header: AnswerHeader, policy: RenderPolicy
) -> PreparedWork[RenderedPrompt]:
    """Reads the body of a chat completion and prepares to render its prompt.

    Raises:
        RequestError: The body cannot be rendered.
    """
    return _prepare(operations, lambda: plan_chat_completion(body, header, policy))


def prepare_model_response(
    operations: Operations,
    body: bytes,
    header: AnswerHeader,
    policy: RenderPolicy,
    history: bytes | None,
) -> PreparedWork[RenderedPrompt]:
    """Reads the body of a model response and prepares to render its prompt.

    Raises:
        RequestError: The body, or the history, cannot be rendered.
    """
    return _prepare(operations, lambda: plan_model_response(body, header, policy, history))


def _prepare(
    operations: Operations, read: Callable[[], PromptPlan]
) -> PreparedWork[RenderedPrompt]:
    try:
        plan = read()
    except RequestBodyError as error:
        raise _to_request_error(error) from None
    renderer = operations.renderer
    keys = [
        message if isinstance(message, PlannedMessage) else _key(message)
        for message in plan.messages
    ]
    conversation = renderer.recall(_PlannedMessages(plan.messages, keys))

    def render() -> RenderedPrompt:
        packed = renderer.render_conversation(
            conversation,
            core.RenderConversationConfig(analysis=plan.analysis),
            next_turn_role=core.Role.ASSISTANT,
        ).packed
        prompt = end_prompt(plan, renderer.count(packed), operations.encoding)
        return RenderedPrompt(packed + renderer.pack(prompt.prompt_tokens), prompt)

    return PreparedWork(conversation.new_bytes, render)


def _key(message: core.Message) -> str:
    """Returns a text that only messages with the same content of the system or developer have."""
    contents = [(type(item).__name__, item.model_dump_json()) for item in message.content]
    return f"{message.author.role.value}{contents}"


def _to_request_error(error: RequestBodyError) -> RequestError:
    metadata = {
        "http_status": str(error.http_status),
        "openai_error_json": error.openai_error_json(),
    }
    if error.limit is not None:
        metadata |= {"limit": error.limit, "maximum": str(error.maximum)}
    return RequestError(
        Reason(error.reason), error.message, field=error.field or _BODY, metadata=metadata
    )
