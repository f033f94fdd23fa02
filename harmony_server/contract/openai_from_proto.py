"""Converts protobuf of the OpenAI layer to its values and checks every field.

As in `from_proto`, each function takes the path of its argument in the request, and raises
RequestError with the path of the field that is invalid.
"""

from enum import Enum
from typing import TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.v1 import chat_pb2

from .. import core
from ..openai.answer_context import (
    AnswerContext,
    AnswerHeader,
    Api,
    DeclaredTool,
    ReasoningField,
    ToolKind,
)
from ..openai.answers import EndReason, Framing, LogprobColumns, SequenceEnd
from ..openai.render_policy import (
    NamespaceTools,
    ReasoningHistory,
    RenderPolicy,
    ToolChoiceMethod,
    Unsupported,
)
from ..openai.requests.bounds import (
    MAX_CHOICES,
    MAX_STOP_STRING_BYTES,
    MAX_STOP_STRINGS,
    MAX_TOOLS,
)
from ..operations.errors import Reason, RequestError, invalid_field, limit_exceeded

_MemberT = TypeVar("_MemberT", bound=Enum)


def _members(
    proto_enum: EnumTypeWrapper, prefix: str, members: type[_MemberT]
) -> dict[int, _MemberT]:
    return {proto_enum.Value(f"{prefix}_{member.name}"): member for member in members}


_APIS = _members(pb.Api, "API", Api)
_TOOL_KINDS = _members(pb.ToolKind, "TOOL_KIND", ToolKind)
_END_REASONS = _members(pb.EndReason, "END_REASON", EndReason)
_FRAMINGS = _members(pb.Framing, "FRAMING", Framing)
_UNSUPPORTED = _members(pb.Unsupported, "UNSUPPORTED", Unsupported)
_HISTORIES = _members(pb.ReasoningHistory, "REASONING_HISTORY", ReasoningHistory)
_METHODS = _members(pb.ToolChoiceMethod, "TOOL_CHOICE_METHOD", ToolChoiceMethod)
_NAMESPACE_TOOLS = _members(pb.NamespaceTools, "NAMESPACE_TOOLS", NamespaceTools)
_REASONING_FIELDS = _members(pb.ReasoningField, "REASONING_FIELD", ReasoningField)
_EFFORTS = _members(chat_pb2.ReasoningEffort, "REASONING_EFFORT", core.ReasoningEffort)


def convert_header(proto: pb.AnswerHeader, path: str) -> AnswerHeader:
    """Converts a header, which must have an id and a time."""
    if not proto.id:
        raise invalid_field(f"{path}.id", "is required")
    if proto.created <= 0:
        raise invalid_field(f"{path}.created", "is required: seconds since 1970, above 0")
    return AnswerHeader(
        id=proto.id,
        created=proto.created,
        model=proto.model if proto.HasField("model") else None,
        system_fingerprint=(
            proto.system_fingerprint if proto.HasField("system_fingerprint") else None
        ),
    )


def convert_policy(proto: pb.RenderPolicy, path: str) -> RenderPolicy:
    """Converts a policy; fields that are unset get their defaults."""
    defaults = RenderPolicy()

    def member(field: str, members: dict[int, _MemberT], default: _MemberT) -> _MemberT:
        # The value 0 is the one that means unset.
        value = getattr(proto, field)
        if not value:
            return default
        if value not in members:
            raise invalid_field(f"{path}.{field}", "must be a value of its enum")
        return members[value]

    def text(field: str) -> str | None:
        return getattr(proto, field) if proto.HasField(field) else None

    call_content_type = text("call_content_type")
    if call_content_type == "":
        raise invalid_field(f"{path}.call_content_type", "must not be empty")
    return RenderPolicy(
        model_identity=text("model_identity"),
        conversation_start_date=text("conversation_start_date"),
        knowledge_cutoff=text("knowledge_cutoff"),
        default_reasoning_effort=member(
            "default_reasoning_effort", _EFFORTS, defaults.default_reasoning_effort
        ),
        unsupported_effort=member("unsupported_effort", _UNSUPPORTED, defaults.unsupported_effort),
        unsupported_tools=member("unsupported_tools", _UNSUPPORTED, defaults.unsupported_tools),
        reasoning_history=member("reasoning_history", _HISTORIES, defaults.reasoning_history),
        tool_choice_method=member("tool_choice_method", _METHODS, defaults.tool_choice_method),
        namespace_tools=member("namespace_tools", _NAMESPACE_TOOLS, defaults.namespace_tools),
        reasoning_field=member("reasoning_field", _REASONING_FIELDS, defaults.reasoning_field),
        encrypted_reasoning=(
            proto.encrypted_reasoning
            if proto.HasField("encrypted_reasoning")
            else defaults.encrypted_reasoning
        ),
        stores_answers=proto.stores_answers,
        call_content_type=call_content_type or defaults.call_content_type,
    )


def convert_context(proto: pb.AnswerContext, path: str) -> AnswerContext:
    """Converts a context. Errors have the reason INVALID_CONTEXT, or LIMIT_EXCEEDED."""
    if proto.api not in _APIS:
        raise _invalid_context(f"{path}.api", "must be an API, and not API_UNSPECIFIED")
    if not proto.choices:
        raise _invalid_context(f"{path}.choices", "is required")
    _check_limits(proto, path)
    reasoning_field = ReasoningField.BOTH
    if proto.reasoning_field:
        if proto.reasoning_field not in _REASONING_FIELDS:
            raise _invalid_context(f"{path}.reasoning_field", "must be a value of its enum")
        reasoning_field = _REASONING_FIELDS[proto.reasoning_field]
    return AnswerContext(
        api=_APIS[proto.api],
        header=_convert_context_header(proto.header, f"{path}.header"),
        choices=proto.choices,
        stream=proto.stream,
        include_usage=proto.include_usage,
        prompt_tokens=proto.prompt_tokens,
        prefilled_tokens=tuple(proto.prefilled_tokens),
        tools=tuple(
            _convert_tool(tool, f"{path}.tools[{index}]") for index, tool in enumerate(proto.tools)
        ),
        max_calls=proto.max_calls if proto.HasField("max_calls") else None,
        continue_tokens=tuple(proto.continue_tokens),
        json_content=proto.json_content,
        stop=tuple(proto.stop),
        logprobs=proto.logprobs,
        reasoning_field=reasoning_field,
        legacy_function_call=proto.legacy_function_call,
        encrypted_reasoning=proto.encrypted_reasoning,
        echo_json=proto.echo_json,
    )


def _check_limits(proto: pb.AnswerContext, path: str) -> None:
    if proto.choices > MAX_CHOICES:
        raise limit_exceeded("MAX_CHOICES", MAX_CHOICES, f"{path}.choices")
    if len(proto.tools) > MAX_TOOLS:
        raise limit_exceeded("MAX_TOOLS", MAX_TOOLS, f"{path}.tools")
    if len(proto.stop) > MAX_STOP_STRINGS:
        raise limit_exceeded("MAX_STOP_STRINGS", MAX_STOP_STRINGS, f"{path}.stop")
    for index, stop in enumerate(proto.stop):
        field = f"{path}.stop[{index}]"
        if not stop:
            raise _invalid_context(field, "must not be empty")
        if len(stop.encode()) > MAX_STOP_STRING_BYTES:
            raise limit_exceeded("MAX_STOP_STRING_BYTES", MAX_STOP_STRING_BYTES, field)


def _convert_context_header(proto: pb.AnswerHeader, path: str) -> AnswerHeader:
    try:
        header = convert_header(proto, path)
    except RequestError as error:
        raise _invalid_context(error.field or path, error.message) from None
    if header.model is None:
        raise _invalid_context(f"{path}.model", "is required")
    return header


def _convert_tool(proto: pb.DeclaredTool, path: str) -> DeclaredTool:
    if proto.kind not in _TOOL_KINDS:
        raise _invalid_context(f"{path}.kind", "must be a kind, and not TOOL_KIND_UNSPECIFIED")
    for field in ("rendered_name", "name"):
        if not getattr(proto, field):
            raise _invalid_context(f"{path}.{field}", "is required")
    return DeclaredTool(
        kind=_TOOL_KINDS[proto.kind],
        rendered_namespace=proto.rendered_namespace,
        rendered_name=proto.rendered_name,
        name=proto.name,
        namespace=proto.namespace if proto.HasField("namespace") else None,
    )


def _invalid_context(field: str, message: str) -> RequestError:
    return RequestError(Reason.INVALID_CONTEXT, message, field=field)


def convert_framing(value: "pb.Framing", path: str) -> Framing:
    """Converts a framing; FRAMING_UNSPECIFIED is SSE."""
    if value == pb.FRAMING_UNSPECIFIED:
        return Framing.SSE
    if value not in _FRAMINGS:
        raise invalid_field(path, "must be a framing")
    return _FRAMINGS[value]


def convert_end(proto: pb.SequenceEnd, path: str) -> SequenceEnd:
    """Converts the end of a sequence; it must have a reason."""
    if proto.reason not in _END_REASONS:
        raise invalid_field(f"{path}.reason", "must be a reason, and not END_REASON_UNSPECIFIED")
    return SequenceEnd(
        proto.sequence,
        _END_REASONS[proto.reason],
        proto.error_message if proto.HasField("error_message") else None,
    )


def convert_logprobs(proto: pb.LogprobColumns, path: str, tokens: int) -> LogprobColumns:
    """Converts the log probabilities of a number of tokens; the columns must fit together."""
    alternatives = proto.alternatives[:] or [0] * tokens
    for column, count, expected in (
        ("logprobs", len(proto.logprobs), tokens),
        ("alternatives", len(alternatives), tokens),
        ("alternative_tokens", len(proto.alternative_tokens), sum(alternatives)),
        ("alternative_logprobs", len(proto.alternative_logprobs), sum(alternatives)),
    ):
        if count != expected:
            raise invalid_field(f"{path}.{column}", f"has {count} entries instead of {expected}")
    return LogprobColumns(
        proto.logprobs[:],
        alternatives,
        proto.alternative_tokens[:],
        proto.alternative_logprobs[:],
    )
