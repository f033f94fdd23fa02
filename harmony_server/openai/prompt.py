"""What a request body becomes: first a plan of the prompt, then the prompt with its tokens.

Their representations have no text of the conversation, so that they may be logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..core import (
    AnalysisRule,
    Conversation,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    Role,
)
from ..core.tokenizer import END
from .answer_context import AnswerContext
from .notices import Notice
from .planned_message import PlannedMessage


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the request says about sampling. Nothing is checked against the engine.

    Attributes:
        max_tokens: The largest number of tokens to sample, reasoning included.
        temperature: As asked.
        top_p: As asked.
        presence_penalty: As asked.
        frequency_penalty: As asked.
        seed: As asked.
        logit_bias: The bias of each token id.
        top_logprobs: How many alternatives each token needs a log probability for. None: the
            request wants no log probabilities.
        constraints_json: Constrained sampling that the request asks for: a JSON object that may
            have `response_schema`, `strict_tools` and `tool_choice`.
        extra_json: The members of the body that are none of the API's, as one JSON object.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logit_bias: dict[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    constraints_json: str | None = field(default=None, repr=False)
    extra_json: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """What has to be rendered for a request, and what goes with it; there are no tokens yet.

    Attributes:
        messages: The messages of the conversation to render for a completion of the assistant.
        analysis: Which of its messages on channel `analysis` stay.
        prefill: What the prompt ends with behind `<|start|>assistant`; special tokens are spelled.
        continuation: What the engine appends behind the reasoning, spelled likewise; empty if it
            does not have to pause.
        stream: Whether the client wants server-sent events.
        sampling: What else the request says about sampling.
        context: For the answer, as yet without tokens.
        notices: For the log.
        input_items_json: For a model response the input as a JSON array of items, references
            resolved, history left out; None for a chat completion.
    """

    messages: Sequence[PlannedMessage | Message] = field(repr=False)
    analysis: AnalysisRule
    prefill: str
    continuation: str
    stream: bool
    sampling: Sampling
    context: AnswerContext
    notices: tuple[Notice, ...]
    input_items_json: bytes | None = field(default=None, repr=False)

    @property
    def conversation(self) -> Conversation:
        """The conversation of the messages."""
        return Conversation(
            messages=[
                message.to_core() if isinstance(message, PlannedMessage) else message
                for message in self.messages
            ]
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, and all that has to go with it.

    Attributes:
        prompt_tokens: Sample behind the last of them.
        prefilled: How many of the last tokens of the prompt are the beginning of the assistant's
            message behind `<|start|>assistant`.
        stop_tokens: Where to stop sampling.
        choices: How many sequences to sample.
        stream: Whether the client wants server-sent events.
        sampling: What else the request says about sampling.
        context: For the answer.
        notices: For the log.
        pause_tokens: Where to pause and to wait for what the answer says.
        input_items_json: As in `PromptPlan`.
    """

    prompt_tokens: Sequence[int] = field(repr=False)
    prefilled: int
    stop_tokens: tuple[int, ...]
    choices: int
    stream: bool
    sampling: Sampling
    context: AnswerContext
    notices: tuple[Notice, ...]
    pause_tokens: tuple[int, ...] = ()
    input_items_json: bytes | None = field(default=None, repr=False)


def complete_prompt(
    plan: PromptPlan, rendered_tokens: Sequence[int], encoding: HarmonyEncoding
) -> Prompt:
    """Returns the prompt of a plan.

    Args:
        plan: The plan.
        rendered_tokens: Its conversation, rendered for a completion of the assistant: they end with
            `<|start|>assistant`.
        encoding: The encoding that rendered them.
    """
    end = end_prompt(plan, len(rendered_tokens), encoding)
    return replace(end, prompt_tokens=[*rendered_tokens, *end.prompt_tokens])


def end_prompt(plan: PromptPlan, rendered_count: int, encoding: HarmonyEncoding) -> Prompt:
    """Returns the prompt of a plan without the tokens of its conversation: those are elsewhere.

    Args:
        plan: The plan.
        rendered_count: How many tokens its conversation has, rendered as for `complete_prompt`.
        encoding: The encoding that rendered them.
    """
    prefilled = _encode_spelled(encoding, plan.prefill)
    continuation = _encode_spelled(encoding, plan.continuation)
    context = replace(
        plan.context,
        prompt_tokens=rendered_count + len(prefilled),
        prefilled_tokens=prefilled,
        continue_tokens=continuation,
    )
    return Prompt(
        prompt_tokens=prefilled,
        prefilled=len(prefilled),
        stop_tokens=tuple(encoding.stop_tokens_for_assistant_actions()),
        choices=context.choices,
        stream=plan.stream,
        sampling=plan.sampling,
        context=context,
        notices=plan.notices,
        pause_tokens=(END,) if continuation else (),
        input_items_json=plan.input_items_json,
    )


def render_plan(plan: PromptPlan, encoding: HarmonyEncoding) -> Prompt:
    """Renders a plan's conversation in this process, and returns the prompt."""
    config = RenderConversationConfig(analysis=plan.analysis)
    rendered = encoding.render_conversation_for_completion(
        plan.conversation, Role.ASSISTANT, config
    )
    return complete_prompt(plan, rendered, encoding)


def _encode_spelled(encoding: HarmonyEncoding, text: str) -> tuple[int, ...]:
    return tuple(encoding.encode(text, allowed_special="all"))
