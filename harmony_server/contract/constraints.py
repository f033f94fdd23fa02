"""Converts sampling constraints, their options and formats, in both directions."""

from enum import Enum
from typing import Any, Final, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from harmony_client.v1 import chat_pb2, constraint_pb2, service_pb2

from .. import core
from ..core import constraints as core_constraints
from ..operations.errors import invalid_field
from . import from_proto

_Value = TypeVar("_Value", bound=Enum)

_ENUMS: Final[dict[type[Enum], tuple[EnumTypeWrapper, str]]] = {
    core_constraints.ConstraintFormat: (constraint_pb2.ConstraintFormat, "CONSTRAINT_FORMAT_"),
    core_constraints.ConstraintLevel: (constraint_pb2.ConstraintLevel, "CONSTRAINT_LEVEL_"),
    core_constraints.HeaderForms: (constraint_pb2.HeaderForms, "HEADER_FORMS_"),
    core_constraints.ReasoningMode: (constraint_pb2.ReasoningMode, "REASONING_MODE_"),
    core_constraints.ToolChoiceMode: (constraint_pb2.ToolChoiceMode, "TOOL_CHOICE_MODE_"),
    core_constraints.NoticeReason: (
        constraint_pb2.ConstraintNoticeReason,
        "CONSTRAINT_NOTICE_REASON_",
    ),
}
# By enum, then by the number in the contract.
_VALUES: Final[dict[type[Enum], dict[int, Any]]] = {
    enum: {wrapper.Value(prefix + value.name): value for value in enum}
    for enum, (wrapper, prefix) in _ENUMS.items()
}
# Fields that are converted as they are, if they are set.
_PLAIN_OPTIONS: Final = (
    "response_schema_json",
    "no_preambles",
    "max_messages_before_last",
    "open_objects",
    "strict_schemas",
    "max_json_whitespace",
    "stop_tokens_in_grammar",
    "vocabulary_size",
)


def convert_format(
    value: "constraint_pb2.ConstraintFormat", path: str
) -> core_constraints.ConstraintFormat:
    """Converts a format; CONSTRAINT_FORMAT_UNSPECIFIED is invalid.

    Raises:
        RequestError: INVALID_FIELD, it is none.
    """
    found = _convert(core_constraints.ConstraintFormat, value, path)
    if found is None:
        raise invalid_field(path, "must be a format, and not CONSTRAINT_FORMAT_UNSPECIFIED")
    return found


def convert_options(
    proto: constraint_pb2.SamplingConstraintOptions, path: str
) -> core_constraints.SamplingConstraintOptions:
    """Converts options.

    Raises:
        RequestError: INVALID_FIELD, an enum has an unknown value.
    """
    found: dict[str, Any] = {
        "level": _convert(core_constraints.ConstraintLevel, proto.level, f"{path}.level"),
        "header_forms": _convert(
            core_constraints.HeaderForms, proto.header_forms, f"{path}.header_forms"
        ),
        "reasoning": _convert(core_constraints.ReasoningMode, proto.reasoning, f"{path}.reasoning"),
        "tool_choice": _convert(
            core_constraints.ToolChoiceMode, proto.tool_choice.mode, f"{path}.tool_choice.mode"
        ),
        "allowed_recipients": tuple(proto.tool_choice.allowed_recipients),
        "prefill": tuple(proto.prefill),
    }
    for name in _PLAIN_OPTIONS:
        if name in {field.name for field, _ in proto.ListFields()}:
            found[name] = getattr(proto, name)
    return core_constraints.SamplingConstraintOptions(
        **{name: value for name, value in found.items() if value is not None}
    )


def write_options(
    options: core_constraints.SamplingConstraintOptions,
) -> constraint_pb2.SamplingConstraintOptions:
    """Converts options to protobuf, for requests to a server."""
    proto = constraint_pb2.SamplingConstraintOptions(
        tool_choice=constraint_pb2.ToolChoice(
            mode=_number(options.tool_choice), allowed_recipients=options.allowed_recipients
        ),
        header_forms=_number(options.header_forms),
        reasoning=_number(options.reasoning),
        prefill=options.prefill,
    )
    if options.level is not None:
        proto.level = _number(options.level)
    for name in _PLAIN_OPTIONS:
        if (value := getattr(options, name)) is not None:
            setattr(proto, name, value)
    return proto


def write_format(
    constraint_format: core_constraints.ConstraintFormat,
) -> "constraint_pb2.ConstraintFormat":
    """Converts a format to protobuf."""
    number: constraint_pb2.ConstraintFormat = _number(constraint_format)
    return number


def read_tools(conversation: chat_pb2.Conversation, path: str) -> core.Conversation:
    """Converts the messages that may have tools; the others are empty in the result.

    Raises:
        RequestError: INVALID_FIELD, such a message is invalid.
    """
    empty = core.Message(author=core.Author(role=core.Role.USER))
    return core.Conversation.from_messages(
        [
            from_proto.convert_message(message, f"{path}.messages[{index}]")
            if any(_may_have_tools(content) for content in message.content)
            else empty
            for index, message in enumerate(conversation.messages)
        ]
    )


def tools_of(conversation: chat_pb2.Conversation) -> list[tuple[int, int, bytes]]:
    """Returns what the tools of a conversation are read from: where it stands, and its bytes."""
    return [
        (message_index, index, content.SerializeToString(deterministic=True))
        for message_index, message in enumerate(conversation.messages)
        for index, content in enumerate(message.content)
        if _may_have_tools(content)
    ]


def write_response(
    constraint: core_constraints.SamplingConstraint,
) -> service_pb2.BuildSamplingConstraintResponse:
    """Converts a constraint to a response."""
    response = service_pb2.BuildSamplingConstraintResponse(
        sha256=constraint.sha256,
        stop_tokens=constraint.stop_tokens,
        notices=[
            constraint_pb2.ConstraintNotice(
                reason=_number(notice.reason),
                field=notice.field,
                pointer=notice.pointer,
                keyword=notice.keyword,
            )
            for notice in constraint.notices
        ],
    )
    if constraint.grammar is not None:
        response.grammar = constraint.grammar
    if (automaton := constraint.automaton) is not None:
        response.automaton.CopyFrom(
            constraint_pb2.TokenAutomaton(
                edge_offsets=automaton.edge_offsets,
                edge_tokens=automaton.edge_tokens,
                edge_targets=automaton.edge_targets,
                text_states=automaton.text_states,
                accepting_states=automaton.accepting_states,
            )
        )
    return response


def read_response(
    response: service_pb2.BuildSamplingConstraintResponse,
) -> core_constraints.SamplingConstraint:
    """Converts the response of a server.

    Raises:
        KeyError: The response has a reason that is unknown here.
    """
    automaton = None
    if response.WhichOneof("constraint") == "automaton":
        columns = response.automaton
        automaton = core_constraints.TokenAutomaton(
            tuple(columns.edge_offsets),
            tuple(columns.edge_tokens),
            tuple(columns.edge_targets),
            tuple(columns.text_states),
            tuple(columns.accepting_states),
        )
    reasons = _VALUES[core_constraints.NoticeReason]
    return core_constraints.SamplingConstraint(
        grammar=response.grammar if automaton is None else None,
        automaton=automaton,
        sha256=response.sha256,
        stop_tokens=tuple(response.stop_tokens),
        notices=tuple(
            core_constraints.ConstraintNotice(
                reasons[notice.reason], notice.field, notice.pointer, notice.keyword
            )
            for notice in response.notices
        ),
    )


def _convert(enum: type[_Value], number: int, path: str) -> _Value | None:
    """Returns the value of an enum, or None for UNSPECIFIED."""
    if number == 0:
        return None
    value: _Value | None = _VALUES[enum].get(number)
    if value is None:
        raise invalid_field(path, f"must be a value of {_ENUMS[enum][0].DESCRIPTOR.name}")
    return value


def _number(value: Enum) -> Any:
    wrapper, prefix = _ENUMS[type(value)]
    return wrapper.Value(prefix + value.name)


def _may_have_tools(content: chat_pb2.Content) -> bool:
    return content.WhichOneof("content") in ("system", "developer")
