"""Converts Python arguments to requests and responses to Python values, for both clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias, get_args

from harmony_client._enums import enum_label
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

Conversation: TypeAlias = chat_pb2.Conversation | Iterable[chat_pb2.Message]
# Quoted: at run time a generated enum is not a class.
Role: TypeAlias = "chat_pb2.Role | str"
AnalysisRule: TypeAlias = "service_pb2.AnalysisRule | str"
SpecialTokens: TypeAlias = Literal["all"] | Iterable[str]

ParseMode: TypeAlias = Literal["strict", "lenient", "recover"]
"""What to do with malformed output; `Client.parse_messages` describes each mode."""

TokenOrRun: TypeAlias = int | Iterable[int]
Event: TypeAlias = (
    parse_pb2.MessageStarted
    | parse_pb2.ContentDelta
    | parse_pb2.MessageCompleted
    | parse_pb2.Recovered
)


class ParsedCompletion(NamedTuple):
    """A completion, parsed."""

    messages: list[chat_pb2.Message]
    """The messages in order, each with one text content."""
    outcomes: list[service_pb2.MessageOutcome]
    """How each message ended and where it stands, parallel to `messages`."""
    recovered: list[parse_pb2.Recovered]
    """Every repair, in order. Empty unless the mode was `"recover"`."""


def render_request(
    message: chat_pb2.Message, conversation_has_function_tools: bool
) -> service_pb2.RenderRequest:
    """Returns the request to render one message."""
    return service_pb2.RenderRequest(
        message=message,
        options=service_pb2.RenderOptions(
            conversation_has_function_tools=conversation_has_function_tools
        ),
    )


def render_conversation_request(
    conversation: Conversation, auto_drop_analysis: bool, analysis: AnalysisRule | None
) -> service_pb2.RenderConversationRequest:
    """Returns the request to render a conversation with nothing after it."""
    return service_pb2.RenderConversationRequest(
        conversation=_to_conversation(conversation),
        config=_to_render_config(auto_drop_analysis, analysis),
    )


def render_conversation_for_completion_request(
    conversation: Conversation,
    next_turn_role: Role,
    auto_drop_analysis: bool,
    analysis: AnalysisRule | None,
) -> service_pb2.RenderConversationForCompletionRequest:
    """Returns the request to render a conversation as a prompt."""
    return service_pb2.RenderConversationForCompletionRequest(
        conversation=_to_conversation(conversation),
        next_turn_role=_to_role(next_turn_role),
        config=_to_render_config(auto_drop_analysis, analysis),
    )


def render_conversation_for_training_request(
    conversation: Conversation, auto_drop_analysis: bool, analysis: AnalysisRule | None
) -> service_pb2.RenderConversationForTrainingRequest:
    """Returns the request to render a conversation as a training example."""
    return service_pb2.RenderConversationForTrainingRequest(
        conversation=_to_conversation(conversation),
        config=_to_render_config(auto_drop_analysis, analysis),
    )


def parse_messages_request(
    tokens: Iterable[int],
    role: Role | None,
    options: parse_pb2.ParseOptions,
    prefill: Iterable[int],
) -> service_pb2.ParseMessagesRequest:
    """Returns the request to parse a whole completion."""
    return service_pb2.ParseMessagesRequest(
        tokens=tokens,
        role=None if role is None else _to_role(role),
        options=options,
        prefill=prefill,
    )


def parse_config(
    role: Role | None, options: parse_pb2.ParseOptions, prefill: Iterable[int]
) -> parse_pb2.ParseConfig:
    """Returns the configuration of one sequence of a stream."""
    return parse_pb2.ParseConfig(
        role=None if role is None else _to_role(role),
        options=options,
        prefill=prefill,
    )


def parse_options(
    mode: ParseMode,
    max_header_tokens: int | None,
    callable_names: Iterable[str],
    channels: Iterable[str],
    delta_offsets: bool = False,
) -> parse_pb2.ParseOptions:
    """Returns the options of a parse."""
    modes = get_args(ParseMode)
    if mode not in modes:
        raise ValueError(f"unknown mode {mode!r}; choose from {', '.join(modes)}")
    options = parse_pb2.ParseOptions(
        recover=mode == "recover",
        max_header_tokens=max_header_tokens,
        callable_names=_to_names("callable_names", callable_names),
        channels=_to_names("channels", channels),
        delta_offsets=delta_offsets,
    )
    if mode == "lenient":
        options.strict = False
    return options


def encode_request(
    text: str, allowed_special: SpecialTokens, disallowed_special: SpecialTokens
) -> service_pb2.EncodeRequest:
    """Returns the request to encode text."""
    request = service_pb2.EncodeRequest(text=text, allowed_special=_to_special_set(allowed_special))
    # Unset means all that are not allowed, as "all" does here.
    if disallowed_special != "all":
        request.disallowed_special.CopyFrom(_to_special_set(disallowed_special))
    return request


def decode_request(tokens: Iterable[int], strict: bool) -> service_pb2.DecodeRequest:
    """Returns the request to decode tokens to text."""
    return service_pb2.DecodeRequest(tokens=tokens, strict=strict)


def decode_bytes_request(tokens: Iterable[int]) -> service_pb2.DecodeRequest:
    """Returns the request to decode tokens to bytes."""
    return service_pb2.DecodeRequest(tokens=tokens, as_bytes=True)


def read_parsed(response: service_pb2.ParseMessagesResponse) -> ParsedCompletion:
    """Returns the messages, outcomes and repairs of a parsed completion."""
    return ParsedCompletion(
        list(response.messages), list(response.outcomes), list(response.recovered)
    )


def read_events(response: parse_pb2.ParseResponse) -> list[Event]:
    """Returns the events of a response, each unwrapped to its own message type."""
    return [getattr(event, event.WhichOneof("event")) for event in response.events]


def as_run(tokens: TokenOrRun) -> Iterable[int]:
    """Returns a run of tokens unchanged, or a single token as a run of one."""
    return tokens if isinstance(tokens, Iterable) else (tokens,)


def _to_conversation(conversation: Conversation) -> chat_pb2.Conversation:
    """Returns a conversation unchanged, or a new one made of the given messages."""
    if isinstance(conversation, chat_pb2.Conversation):
        return conversation
    return chat_pb2.Conversation(messages=conversation)


def _to_render_config(
    auto_drop_analysis: bool, analysis: AnalysisRule | None
) -> service_pb2.RenderConversationConfig:
    if analysis is None:
        return service_pb2.RenderConversationConfig(auto_drop_analysis=auto_drop_analysis)
    if not auto_drop_analysis:
        raise ValueError("analysis and auto_drop_analysis=False exclude each other")
    rule = enum_label(service_pb2.AnalysisRule, "ANALYSIS_RULE_", analysis)
    return service_pb2.RenderConversationConfig(analysis=rule)


def _to_role(role: Role) -> Role:
    return enum_label(chat_pb2.Role, "ROLE_", role)


def _to_names(argument: str, names: Iterable[str]) -> Iterable[str]:
    if isinstance(names, str):
        # A string is an iterable too: it would become one name for each character.
        raise TypeError(f"{argument} must be an iterable of strings, not {names!r}")
    return names


def _to_special_set(special: SpecialTokens) -> service_pb2.SpecialTokenSet:
    if special == "all":
        return service_pb2.SpecialTokenSet(all=True)
    if isinstance(special, str):
        # A string is an iterable too: it would become a set of its characters.
        raise TypeError(f'special tokens must be "all" or an iterable of strings, not {special!r}')
    return service_pb2.SpecialTokenSet(tokens=special)
