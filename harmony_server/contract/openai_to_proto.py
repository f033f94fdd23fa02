"""Converts values of the OpenAI layer to protobuf, written into messages in place."""

from typing import cast

from harmony_client.openai.v1 import openai_pb2 as pb

from ..openai.answer_context import AnswerContext, Api, ReasoningField, ToolKind
from ..openai.answers import AnswerResult
from ..openai.notices import NoticeReason
from ..openai.prompt import Prompt, Sampling

_APIS = {api: cast("pb.Api", pb.Api.Value(f"API_{api.name}")) for api in Api}
_TOOL_KINDS = {
    kind: cast("pb.ToolKind", pb.ToolKind.Value(f"TOOL_KIND_{kind.name}")) for kind in ToolKind
}
_NOTICE_REASONS = {
    reason: cast("pb.NoticeReason", pb.NoticeReason.Value(f"NOTICE_REASON_{reason.name}"))
    for reason in NoticeReason
}
_REASONING_FIELDS = {
    field: cast("pb.ReasoningField", pb.ReasoningField.Value(f"REASONING_FIELD_{field.name}"))
    for field in ReasoningField
}


def fill_prompt(target: pb.Prompt, prompt: Prompt) -> None:
    """Writes a prompt into `target`, without its tokens, which `wire` writes."""
    target.prefilled = prompt.prefilled
    target.stop_tokens.extend(prompt.stop_tokens)
    target.choices = prompt.choices
    target.stream = prompt.stream
    _fill_sampling(target.sampling, prompt.sampling)
    _fill_context(target.context, prompt.context)
    for notice in prompt.notices:
        target.notices.add(
            reason=_NOTICE_REASONS[notice.reason],
            field=notice.field,
            text=notice.text,
        )
    target.pause_tokens.extend(prompt.pause_tokens)


def fill_result(target: pb.AnswerResult, result: AnswerResult) -> None:
    """Writes a finished answer into `target`."""
    target.body_json = result.body_json
    target.http_status = result.http_status
    target.prompt_tokens = result.prompt_tokens
    target.completion_tokens = result.completion_tokens
    target.reasoning_tokens = result.reasoning_tokens
    for outcome in result.outcomes:
        target.outcomes.add(
            sequence=outcome.sequence,
            finish_reason=outcome.finish_reason,
            repairs=outcome.repairs,
            undeclared_calls=outcome.undeclared_calls,
            empty=outcome.empty,
        )


def _fill_sampling(target: pb.Sampling, sampling: Sampling) -> None:
    for field in (
        "max_tokens",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "top_logprobs",
        "constraints_json",
        "extra_json",
    ):
        value = getattr(sampling, field)
        if value is not None:
            setattr(target, field, value)
    target.logit_bias.update(sampling.logit_bias)
    # Present even if the request has no wishes.
    target.SetInParent()


def _fill_context(target: pb.AnswerContext, context: AnswerContext) -> None:
    header = context.header
    target.api = _APIS[context.api]
    target.header.id = header.id
    target.header.created = header.created
    if header.model is not None:
        target.header.model = header.model
    if header.system_fingerprint is not None:
        target.header.system_fingerprint = header.system_fingerprint
    target.choices = context.choices
    target.stream = context.stream
    target.include_usage = context.include_usage
    target.prompt_tokens = context.prompt_tokens
    target.prefilled_tokens.extend(context.prefilled_tokens)
    for tool in context.tools:
        target.tools.add(
            kind=_TOOL_KINDS[tool.kind],
            rendered_namespace=tool.rendered_namespace,
            rendered_name=tool.rendered_name,
            name=tool.name,
            namespace=tool.namespace,
        )
    if context.max_calls is not None:
        target.max_calls = context.max_calls
    target.continue_tokens.extend(context.continue_tokens)
    target.json_content = context.json_content
    target.stop.extend(context.stop)
    target.logprobs = context.logprobs
    target.reasoning_field = _REASONING_FIELDS[context.reasoning_field]
    target.legacy_function_call = context.legacy_function_call
    target.encrypted_reasoning = context.encrypted_reasoning
    target.echo_json = context.echo_json
