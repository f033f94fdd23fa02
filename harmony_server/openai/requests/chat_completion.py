"""Chat Completions: bodies of POST /v1/chat/completions to prompts."""

import sys
from dataclasses import replace
from typing import Final

from ...core import HarmonyEncoding
from ..answer_context import AnswerContext, AnswerHeader, Api, ReasoningField
from ..notices import NoticeReason
from ..prompt import Prompt, PromptPlan, Sampling, render_plan
from ..render_policy import RenderPolicy
from ..request_errors import BodyErrorReason
from .body import read_body
from .bounds import MAX_CHOICES
from .chat_messages import read_messages
from .fields import Field
from .notice_log import NoticeLog
from .planning import ANALYSIS_RULES, ReadRequest, make_plan
from .reasoning_effort import read_effort
from .response_format import read_response_format
from .sampling import (
    extra_json,
    read_logit_bias,
    read_max_tokens,
    read_seed,
    read_stop,
    read_top_logprobs,
)
from .template_arguments import read_model_identity
from .tool_choice import ToolChoice, ToolChoiceReader
from .tools import Tools, read_chat_tools
from .transcript import Transcript

_CARRIED: Final = frozenset(
    {
        "chat_template_kwargs",
        "frequency_penalty",
        "function_call",
        "functions",
        "include_reasoning",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "web_search_options",
    }
)
_REFUSED: Final = frozenset(
    {"add_generation_prompt", "audio", "continue_final_message", "modalities"}
)
# They concern the platform, or only how fast an answer comes.
_WITHOUT_EFFECT: Final = frozenset(
    {
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
    }
)
KNOWN_MEMBERS: Final = _CARRIED | _REFUSED | _WITHOUT_EFFECT
_STREAM_OPTIONS: Final = frozenset({"include_obfuscation", "include_usage"})
_REASONING_MEMBERS: Final = frozenset({"effort", "exclude"})


def render_chat_completion(
    encoding: HarmonyEncoding,
    body: bytes,
    header: AnswerHeader,
    policy: RenderPolicy | None = None,
) -> Prompt:
    """Returns the prompt of a chat completion, rendered in this process.

    Raises:
        RequestBodyError: As `plan_chat_completion`.
    """
    return render_plan(plan_chat_completion(body, header, policy or RenderPolicy()), encoding)


def plan_chat_completion(body: bytes, header: AnswerHeader, policy: RenderPolicy) -> PromptPlan:
    """Returns what has to be rendered for a chat completion.

    Args:
        body: The body as the client sent it: JSON in UTF-8.
        header: What the caller decides about the answer.
        policy: The platform's part.

    Raises:
        RequestBodyError: The body cannot be rendered.
    """
    notices = NoticeLog()
    fields = read_body(body, notices)
    model = fields.member("model").text()
    _refuse_unsupported(fields)
    tools = read_chat_tools(fields, policy, notices)
    choice = _read_choice(fields, tools, notices)
    response_format = read_response_format(fields.member("response_format"), notices, nests=True)
    messages = fields.member("messages")
    transcript = Transcript(messages, policy.call_content_type)
    read_messages(messages, transcript, tools.names, notices)
    sampling = _read_sampling(fields)
    is_legacy = not fields.member("functions").is_missing
    takes_one_call = fields.member("parallel_tool_calls").optional_flag() is False
    request = ReadRequest(
        effort=read_effort(fields, policy, notices),
        model_identity=read_model_identity(fields, notices),
        tools=tools,
        choice=choice,
        response_format=response_format,
        transcript=transcript,
        analysis=ANALYSIS_RULES[policy.reasoning_history],
        sampling=sampling,
        context=AnswerContext(
            api=Api.CHAT_COMPLETIONS,
            header=replace(header, model=model if header.model is None else header.model),
            choices=_read_choices(fields),
            stream=fields.member("stream").optional_flag() is True,
            include_usage=_read_include_usage(fields.member("stream_options"), notices),
            max_calls=1 if is_legacy or takes_one_call else None,
            stop=read_stop(fields),
            logprobs=sampling.top_logprobs is not None,
            reasoning_field=_read_reasoning_field(fields, policy, notices),
            legacy_function_call=is_legacy,
            encrypted_reasoning=policy.encrypted_reasoning,
        ),
    )
    return make_plan(request, policy, notices)


def _refuse_unsupported(body: Field) -> None:
    for name, value_of_no_effect in (
        ("continue_final_message", False),
        ("add_generation_prompt", True),
    ):
        field = body.member(name)
        if field.optional_flag() not in (None, value_of_no_effect):
            raise field.invalid("cannot be rendered", code="unsupported_parameter")
    audio = body.member("audio")
    spoken = [
        field for field in body.member("modalities").optional_elements() if field.text() != "text"
    ]
    for field in [*([] if audio.is_missing else [audio]), *spoken]:
        raise field.invalid(
            "cannot be answered: only text can",
            reason=BodyErrorReason.UNSUPPORTED_CONTENT,
            code="unsupported_value",
        )


def _read_choice(body: Field, tools: Tools, notices: NoticeLog) -> ToolChoice:
    reader = ToolChoiceReader(tools, notices, nests=True)
    choice = body.member("tool_choice")
    legacy = body.member("function_call")
    if choice.is_missing:
        return reader.read_legacy(legacy)
    if not legacy.is_missing:
        notices.add(NoticeReason.PARAMETER_IGNORED, legacy, "has no effect beside tool_choice")
    return reader.read(choice)


def _read_include_usage(options: Field, notices: NoticeLog) -> bool:
    if options.is_missing:
        return False
    notices.add_ignored_members(options, _STREAM_OPTIONS)
    return options.member("include_usage").optional_flag() is True


def _read_choices(body: Field) -> int:
    field = body.member("n")
    choices = field.optional_integer(1, sys.maxsize)
    if choices is None:
        return 1
    if choices > MAX_CHOICES:
        raise field.too_large("MAX_CHOICES", MAX_CHOICES, "integer_above_max_value")
    return choices


def _read_reasoning_field(body: Field, policy: RenderPolicy, notices: NoticeLog) -> ReasoningField:
    excludes = body.member("include_reasoning").optional_flag() is False
    reasoning = body.member("reasoning")
    if not reasoning.is_missing:
        notices.add_ignored_members(reasoning, _REASONING_MEMBERS)
        excludes = excludes or reasoning.member("exclude").optional_flag() is True
    return ReasoningField.NONE if excludes else policy.reasoning_field


def _read_sampling(body: Field) -> Sampling:
    wants_logprobs = body.member("logprobs").optional_flag() is True
    top_logprobs = read_top_logprobs(body)
    if top_logprobs and not wants_logprobs:
        raise body.member("top_logprobs").invalid("requires logprobs to be true")
    return Sampling(
        max_tokens=read_max_tokens(body, "max_completion_tokens", "max_tokens"),
        temperature=body.member("temperature").optional_number(),
        top_p=body.member("top_p").optional_number(),
        presence_penalty=body.member("presence_penalty").optional_number(),
        frequency_penalty=body.member("frequency_penalty").optional_number(),
        seed=read_seed(body),
        logit_bias=read_logit_bias(body),
        top_logprobs=(top_logprobs or 0) if wants_logprobs else None,
        extra_json=extra_json(body, KNOWN_MEMBERS),
    )
