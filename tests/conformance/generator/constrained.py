"""BuildSamplingConstraint.

The reference has no constraints: the expectations are the core's, which `tests/constraints` tries
with the engines' own matchers. So the vectors show that a server passes on what the core builds.
"""

import dataclasses
import json
from typing import Any, Final

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import constraint_pb2 as constraint
from harmony_client.v1 import service_pb2 as pb
from harmony_server import core
from harmony_server.core import constraints

from .calls import Calls
from .contract import developer, invalid_field, system, tool, user
from .vector import Vector

_WEATHER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1},
    },
    "required": ["city"],
}
_ANSWER: Final = '{"type": "object", "properties": {"sure": {"type": "boolean"}}}'
_FORMATS: Final = {
    value: f"CONSTRAINT_FORMAT_{value.name}" for value in constraints.ConstraintFormat
}
_REASONS: Final = {
    value: f"CONSTRAINT_NOTICE_REASON_{value.name}" for value in constraints.NoticeReason
}
_LARK: Final = constraints.ConstraintFormat.LLGUIDANCE_LARK
_AUTOMATON: Final = constraints.ConstraintFormat.TOKEN_AUTOMATON
_Options = constraint.SamplingConstraintOptions
_CoreOptions = constraints.SamplingConstraintOptions


def _conversation(parameters: dict[str, Any] | None = None) -> chat.Conversation:
    """Returns a conversation with a built-in tool, two functions and a text."""
    written = json.dumps(parameters or _WEATHER)
    functions = chat.ToolNamespaceConfig(
        name="functions", tools=[tool("weather", parameters=written), tool("time")]
    )
    return chat.Conversation(
        messages=[
            system(chat.SystemContent(builtin_tools=[chat.BUILTIN_TOOL_PYTHON])),
            developer(chat.DeveloperContent(tools=[functions])),
            user("Will it rain?"),
        ]
    )


def _core_conversation(parameters: dict[str, Any] | None = None) -> core.Conversation:
    """Returns the same conversation as a value of the core."""
    functions = [
        core.ToolDescription.new("weather", "Does it.", parameters or _WEATHER),
        core.ToolDescription.new("time", "Does it."),
    ]
    contents = [
        (core.Role.SYSTEM, core.SystemContent.new().with_python_tool()),
        (core.Role.DEVELOPER, core.DeveloperContent.new().with_function_tools(functions)),
    ]
    return core.Conversation.from_messages(
        [core.Message.from_role_and_content(role, content) for role, content in contents]
    )


def build_sampling_constraint_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of every format, of each option, of notices and of errors."""
    prefill = calls.tokens("<|channel|>analysis<|message|>Let me")
    schema = {**_WEATHER, "not": {}, "minProperties": 1}
    required = constraints.ToolChoiceMode.REQUIRED
    return [
        *[_built(f"format/{value.value}", value) for value in constraints.ConstraintFormat],
        _built(
            "tool-choice/required",
            options=_Options(
                tool_choice=constraint.ToolChoice(mode=constraint.TOOL_CHOICE_MODE_REQUIRED)
            ),
            core_options=_CoreOptions(tool_choice=required),
        ),
        _built(
            "tool-choice/named",
            options=_Options(
                tool_choice=constraint.ToolChoice(
                    mode=constraint.TOOL_CHOICE_MODE_REQUIRED,
                    allowed_recipients=["functions.time"],
                )
            ),
            core_options=_CoreOptions(
                tool_choice=required, allowed_recipients=("functions.time",)
            ),
        ),
        _built(
            "tool-choice/none-with-response-schema",
            options=_Options(
                tool_choice=constraint.ToolChoice(mode=constraint.TOOL_CHOICE_MODE_NONE),
                response_schema_json=_ANSWER,
            ),
            core_options=_CoreOptions(
                tool_choice=constraints.ToolChoiceMode.NONE, response_schema_json=_ANSWER
            ),
        ),
        _built(
            "options/level",
            options=_Options(level=constraint.CONSTRAINT_LEVEL_STRUCTURE),
            core_options=_CoreOptions(level=constraints.ConstraintLevel.STRUCTURE),
        ),
        _built(
            "options/headers-and-messages",
            options=_Options(
                header_forms=constraint.HEADER_FORMS_CANONICAL,
                reasoning=constraint.REASONING_MODE_FORBIDDEN,
                max_messages_before_last=3,
                open_objects=True,
                max_json_whitespace=0,
            ),
            core_options=_CoreOptions(
                header_forms=constraints.HeaderForms.CANONICAL,
                reasoning=constraints.ReasoningMode.FORBIDDEN,
                max_messages_before_last=3,
                open_objects=True,
                max_json_whitespace=0,
            ),
        ),
        _built(
            "options/prefill",
            _AUTOMATON,
            options=_Options(prefill=prefill, no_preambles=True, stop_tokens_in_grammar=True),
            core_options=_CoreOptions(
                prefill=tuple(prefill), no_preambles=True, stop_tokens_in_grammar=True
            ),
        ),
        _built(
            "options/vocabulary-size",
            constraints.ConstraintFormat.XGRAMMAR_EBNF,
            options=_Options(vocabulary_size=200_013),
            core_options=_CoreOptions(vocabulary_size=200_013),
        ),
        _built("notices/keywords", parameters=schema),
        _built("notices/schema", parameters={"$ref": "#/nowhere"}),
        _failed("no-conversation", "conversation", pb.BuildSamplingConstraintRequest(
                format=constraint.CONSTRAINT_FORMAT_LLGUIDANCE_LARK
            )),
        _failed("no-format", "format", pb.BuildSamplingConstraintRequest(conversation={})),
        _failed_options(
            "unknown-recipient",
            "options.tool_choice.allowed_recipients[1]",
            tool_choice=constraint.ToolChoice(
                allowed_recipients=["python", "functions.rain"]
            ),
        ),
        _failed_options(
            "response-schema", "options.response_schema_json", response_schema_json="{"
        ),
        _failed_options("prefill-fits-nothing", "options.prefill", prefill=calls.tokens("Hello")),
        _failed_options("too-many-messages", "options.max_messages_before_last",
                        max_messages_before_last=257),
        _failed_options("white-space", "options.max_json_whitespace", max_json_whitespace=257),
        _failed_options("vocabulary-size", "options.vocabulary_size", vocabulary_size=1),
        _failed(
            "required-without-tools",
            "options.tool_choice.mode",
            pb.BuildSamplingConstraintRequest(
                conversation={},
                format=constraint.CONSTRAINT_FORMAT_LLGUIDANCE_LARK,
                options=_Options(
                    tool_choice=constraint.ToolChoice(mode=constraint.TOOL_CHOICE_MODE_REQUIRED)
                ),
            ),
        ),
        _failed(
            "stop-tokens-in-gbnf",
            "options.stop_tokens_in_grammar",
            pb.BuildSamplingConstraintRequest(
                conversation=_conversation(),
                format=constraint.CONSTRAINT_FORMAT_LLAMA_GBNF,
                options=_Options(stop_tokens_in_grammar=True),
            ),
        ),
        _failed(
            "schema-level-in-automaton",
            "options.level",
            pb.BuildSamplingConstraintRequest(
                conversation=_conversation(),
                format=constraint.CONSTRAINT_FORMAT_TOKEN_AUTOMATON,
                options=_Options(level=constraint.CONSTRAINT_LEVEL_SCHEMAS),
            ),
        ),
        _failed(
            "name-of-a-tool",
            "conversation.messages[0].content[0].developer.tools[0].tools[0].name",
            pb.BuildSamplingConstraintRequest(
                conversation=chat.Conversation(
                    messages=[
                        developer(
                            chat.DeveloperContent(
                                tools=[
                                    chat.ToolNamespaceConfig(
                                        name="functions", tools=[tool("two words")]
                                    )
                                ]
                            )
                        )
                    ]
                ),
                format=constraint.CONSTRAINT_FORMAT_LLGUIDANCE_LARK,
            ),
        ),
        _failed(
            "strict-schemas",
            "conversation.messages[1].content[0].developer.tools[0].tools[0].parameters_json",
            pb.BuildSamplingConstraintRequest(
                conversation=_conversation({"$ref": "#/nowhere"}),
                format=constraint.CONSTRAINT_FORMAT_LLGUIDANCE_LARK,
                options=_Options(strict_schemas=True),
            ),
        ),
    ]  # fmt: skip


def _built(
    name: str,
    value: constraints.ConstraintFormat = _LARK,
    *,
    options: constraint.SamplingConstraintOptions | None = None,
    core_options: constraints.SamplingConstraintOptions | None = None,
    parameters: dict[str, Any] | None = None,
) -> Vector:
    expected = constraints.build_sampling_constraint(
        _core_conversation(parameters),
        value,
        core_options or _CoreOptions(),
        encoding=core.load_harmony_encoding("HarmonyGptOss"),
    )
    response = pb.BuildSamplingConstraintResponse(
        sha256=expected.sha256,
        stop_tokens=expected.stop_tokens,
        notices=[
            constraint.ConstraintNotice(
                reason=_REASONS[notice.reason],
                field=notice.field,
                pointer=notice.pointer,
                keyword=notice.keyword,
            )
            for notice in expected.notices
        ],
    )
    if expected.grammar is not None:
        response.grammar = expected.grammar
    if expected.automaton is not None:
        response.automaton.CopyFrom(
            constraint.TokenAutomaton(**dataclasses.asdict(expected.automaton))
        )
    request = pb.BuildSamplingConstraintRequest(
        conversation=_conversation(parameters), format=_FORMATS[value], options=options
    )
    return Vector(f"build_sampling_constraint/{name}", [request], [response])


def _failed(name: str, field: str, request: pb.BuildSamplingConstraintRequest) -> Vector:
    return Vector(f"build_sampling_constraint/error/{name}", [request], error=invalid_field(field))


def _failed_options(name: str, field: str, **options: Any) -> Vector:
    return _failed(
        name,
        field,
        pb.BuildSamplingConstraintRequest(
            conversation=_conversation(),
            format=constraint.CONSTRAINT_FORMAT_LLGUIDANCE_LARK,
            options=_Options(**options),
        ),
    )
