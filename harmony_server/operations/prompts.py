"""Renders the prompts of OpenAI requests, with the cache, the limits and the counters of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .. import core
from ..openai.answer_context import AnswerHeader
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
    """The messages of a plan; implements `rendering.Messages`."""

    messages: Sequence[core.Message]
    keys: list[str]

    def size(self, index: int) -> int:
        return len(self.keys[index])

    def field(self, index: int) -> str:  # noqa: ARG002  # no longer known
        return _BODY

    def read(self, index: int) -> core.Message:
        return self.messages[index]


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
    messages = plan.conversation.messages
    renderer = operations.renderer
    conversation = renderer.recall(_PlannedMessages(messages, [_key(item) for item in messages]))

    def render() -> RenderedPrompt:
        packed = renderer.render_conversation(
            conversation,
            core.RenderConversationConfig(analysis=plan.analysis),
            next_turn_role=core.Role.ASSISTANT,
        )
        prompt = end_prompt(plan, renderer.count(packed), operations.encoding)
        return RenderedPrompt(packed + renderer.pack(prompt.prompt_tokens), prompt)

    return PreparedWork(conversation.new_bytes, render)


def _key(message: core.Message) -> str:
    """Returns a text that no other message has; the keys of other front ends are no texts."""
    content = message.content
    head = (
        message.author.role.value,
        message.author.name,
        message.recipient,
        message.channel,
        message.content_type,
    )
    # The form of a tuple shows where it ends, so any text may follow.
    if len(content) == 1 and type(content[0]) is core.TextContent:
        return f"{head}={content[0].text}"
    return f"{head}{[(type(item).__name__, item.model_dump_json()) for item in content]}"


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
