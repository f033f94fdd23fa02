"""Responses: bodies of POST /v1/responses to prompts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ...core import AnalysisRule, HarmonyEncoding
from ..answer_context import AnswerContext, AnswerHeader, Api
from ..notices import NoticeReason
from ..prompt import Prompt, PromptPlan, Sampling, render_plan
from ..render_policy import RenderPolicy
from ..request_errors import BodyErrorReason
from .body import read_body, read_history
from .echo import echo_json
from .fields import Field, Json
from .json_output import to_json
from .notice_log import NoticeLog
from .planning import ANALYSIS_RULES, ReadRequest, make_plan
from .reasoning_effort import read_effort
from .references import resolve_references
from .response_format import read_response_format
from .response_items import MESSAGE, read_items
from .sampling import extra_json, read_max_tokens, read_top_logprobs
from .template_arguments import read_model_identity
from .tool_choice import ToolChoiceReader
from .tools import read_response_tools
from .transcript import Transcript

_CARRIED: Final = frozenset(
    {
        "chat_template_kwargs",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "reasoning_effort",
        "store",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
    }
)
_REFUSED: Final = frozenset({"background", "prompt"})
# They concern the platform, or only how fast an answer comes.
_WITHOUT_EFFECT: Final = frozenset(
    {
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stream_options",
        "user",
    }
)
KNOWN_MEMBERS: Final = _CARRIED | _REFUSED | _WITHOUT_EFFECT
_REASONING_MEMBERS: Final = frozenset({"effort", "context"})
_TEXT_MEMBERS: Final = frozenset({"format", "verbosity"})
_LOGPROBS: Final = "message.output_text.logprobs"
_ENCRYPTED: Final = "reasoning.encrypted_content"


def render_model_response(
    encoding: HarmonyEncoding,
    body: bytes,
    header: AnswerHeader,
    policy: RenderPolicy | None = None,
    history: bytes | None = None,
) -> Prompt:
    """Returns the prompt of a model response, rendered in this process.

    Raises:
        RequestBodyError: As `plan_model_response`.
    """
    plan = plan_model_response(body, header, policy or RenderPolicy(), history)
    return render_plan(plan, encoding)


def plan_model_response(
    body: bytes, header: AnswerHeader, policy: RenderPolicy, history: bytes | None = None
) -> PromptPlan:
    """Returns what has to be rendered for a model response.

    Args:
        body: The body as the client sent it: JSON in UTF-8.
        header: What the caller decides about the answer.
        policy: The platform's part.
        history: What the caller remembers, as a JSON array of items, oldest first. It stands before
            the input of a body that has `previous_response_id` or `conversation`; references are
            looked up in it in any case.

    Raises:
        RequestBodyError: The body, or the history, cannot be rendered.
    """
    notices = NoticeLog()
    fields = read_body(body, notices)
    model = fields.member("model").text()
    _check_unsupported(fields, notices)
    remembered = [] if history is None else read_history(history, notices)
    continues = _read_continues(fields, history)
    _check_echoed(fields)
    tools = read_response_tools(fields, policy, notices)
    choice = ToolChoiceReader(tools, notices, nests=False).read(fields.member("tool_choice"))
    text = fields.member("text")
    response_format = None
    if not text.is_missing:
        notices.add_ignored_members(text, _TEXT_MEMBERS)
        response_format = read_response_format(text.member("format"), notices, nests=False)
    given = _read_input(fields.member("input"), is_required=not continues)
    items = resolve_references(given, remembered, notices)
    earlier = resolve_references(remembered, remembered, notices) if continues else []
    transcript = Transcript(fields.member("input"), policy.call_content_type)
    transcript.add_instructions(fields.member("instructions").optional_text() or "")
    read_items([*earlier, *items], transcript, tools.names, notices)
    includes_logprobs = _read_include(fields.member("include"), notices)
    effort = read_effort(fields, policy, notices)
    takes_one_call = fields.member("parallel_tool_calls").optional_flag() is False
    request = ReadRequest(
        effort=effort,
        model_identity=read_model_identity(fields, notices),
        tools=tools,
        choice=choice,
        response_format=response_format,
        transcript=transcript,
        analysis=_read_analysis(fields.member("reasoning"), policy, notices),
        sampling=_read_sampling(fields, includes_logprobs, notices),
        context=AnswerContext(
            api=Api.RESPONSES,
            header=replace(header, model=model if header.model is None else header.model),
            stream=fields.member("stream").optional_flag() is True,
            max_calls=1 if takes_one_call else None,
            logprobs=includes_logprobs,
            reasoning_field=policy.reasoning_field,
            encrypted_reasoning=policy.encrypted_reasoning,
            echo_json=echo_json(fields, effort, policy),
        ),
    )
    plan = make_plan(request, policy, notices)
    return replace(plan, input_items_json=_items_json(items))


def _check_unsupported(body: Field, notices: NoticeLog) -> None:
    background = body.member("background")
    if background.optional_flag():
        raise background.invalid("cannot be true", code="unsupported_value")
    prompt = body.member("prompt")
    if not prompt.is_missing:
        raise prompt.invalid("cannot be rendered", code="unsupported_parameter")
    truncation = body.member("truncation")
    match truncation.optional_text():
        case None | "disabled":
            pass
        case "auto":
            notices.add(NoticeReason.PARAMETER_IGNORED, truncation, "is taken as disabled")
        case _:
            raise truncation.invalid("must be disabled or auto")


def _read_continues(body: Field, history: bytes | None) -> bool:
    """Returns whether the history stands before the input."""
    previous = body.member("previous_response_id")
    conversation = body.member("conversation")
    previous.optional_text()
    if not conversation.is_missing and not isinstance(conversation.value, str):
        conversation.member("id").text()
    named = next((field for field in (previous, conversation) if not field.is_missing), None)
    if named is not None and history is None:
        raise named.invalid(
            "is not known",
            reason=BodyErrorReason.HISTORY_REQUIRED,
            code="previous_response_not_found" if named.name == "previous_response_id" else None,
        )
    return named is not None


def _check_echoed(body: Field) -> None:
    metadata = body.member("metadata")
    if not metadata.is_missing:
        metadata.require_object()
    body.member("store").optional_flag()
    body.member("max_tool_calls").optional_integer(0, 2**32 - 1)


def _read_input(field: Field, *, is_required: bool) -> list[Field]:
    if field.is_missing and not is_required:
        return []
    if isinstance(field.value, str):
        part = {"type": "input_text", "text": field.value}
        field.value = [{"type": "message", "role": "user", "content": [part]}]
    items = field.elements()
    if not items and is_required:
        raise field.invalid("must not be empty", code="empty_array")
    return items


def _read_include(field: Field, notices: NoticeLog) -> bool:
    """Returns whether the answer is to have log probabilities."""
    includes_logprobs = False
    for entry in field.optional_elements():
        if entry.text() == _LOGPROBS:
            includes_logprobs = True
        elif entry.value != _ENCRYPTED:
            notices.add(NoticeReason.PARAMETER_IGNORED, entry, "is not part of the answer")
    return includes_logprobs


def _read_analysis(field: Field, policy: RenderPolicy, notices: NoticeLog) -> AnalysisRule:
    """Returns which reasoning stays."""
    if not field.is_missing:
        notices.add_ignored_members(field, _REASONING_MEMBERS)
        if field.member("context").optional_text() == "all_turns":
            return AnalysisRule.KEEP
    return ANALYSIS_RULES[policy.reasoning_history]


def _read_sampling(body: Field, includes_logprobs: bool, notices: NoticeLog) -> Sampling:
    top_logprobs = read_top_logprobs(body)
    if top_logprobs and not includes_logprobs:
        notices.add(
            NoticeReason.PARAMETER_IGNORED,
            body.member("top_logprobs"),
            f"has no effect on the answer unless include has {_LOGPROBS}",
        )
    return Sampling(
        max_tokens=read_max_tokens(body, "max_output_tokens"),
        temperature=body.member("temperature").optional_number(),
        top_p=body.member("top_p").optional_number(),
        top_logprobs=(top_logprobs or 0) if includes_logprobs else top_logprobs,
        extra_json=extra_json(body, KNOWN_MEMBERS),
    )


def _items_json(items: Sequence[Field]) -> bytes:
    return to_json([_with_type(item.value) for item in items]).encode()


def _with_type(item: dict[str, Json]) -> dict[str, Json]:
    return item if item.get("type") is not None else {**item, "type": MESSAGE}
