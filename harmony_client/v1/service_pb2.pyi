from harmony_client._google import annotations_pb2 as _annotations_pb2
from harmony_client.v1 import chat_pb2 as _chat_pb2
from harmony_client.v1 import constraint_pb2 as _constraint_pb2
from harmony_client.v1 import parse_pb2 as _parse_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnalysisRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANALYSIS_RULE_UNSPECIFIED: _ClassVar[AnalysisRule]
    ANALYSIS_RULE_KEEP: _ClassVar[AnalysisRule]
    ANALYSIS_RULE_CURRENT_TURN: _ClassVar[AnalysisRule]
    ANALYSIS_RULE_NONE: _ClassVar[AnalysisRule]

class Attribution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTION_UNSPECIFIED: _ClassVar[Attribution]
    ATTRIBUTION_MESSAGES: _ClassVar[Attribution]
    ATTRIBUTION_PARTS: _ClassVar[Attribution]

class TokenPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_PART_UNSPECIFIED: _ClassVar[TokenPart]
    TOKEN_PART_START: _ClassVar[TokenPart]
    TOKEN_PART_AUTHOR: _ClassVar[TokenPart]
    TOKEN_PART_NAME: _ClassVar[TokenPart]
    TOKEN_PART_RECIPIENT: _ClassVar[TokenPart]
    TOKEN_PART_CHANNEL: _ClassVar[TokenPart]
    TOKEN_PART_CONTENT_TYPE: _ClassVar[TokenPart]
    TOKEN_PART_MESSAGE: _ClassVar[TokenPart]
    TOKEN_PART_CONTENT: _ClassVar[TokenPart]
    TOKEN_PART_STOP: _ClassVar[TokenPart]

class TrainedMessages(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_MESSAGES_UNSPECIFIED: _ClassVar[TrainedMessages]
    TRAINED_MESSAGES_LAST_TURN: _ClassVar[TrainedMessages]
    TRAINED_MESSAGES_LAST_SAMPLE: _ClassVar[TrainedMessages]
    TRAINED_MESSAGES_ALL: _ClassVar[TrainedMessages]
    TRAINED_MESSAGES_CHOSEN: _ClassVar[TrainedMessages]
    TRAINED_MESSAGES_NONE: _ClassVar[TrainedMessages]

class TrainedTokens(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_TOKENS_UNSPECIFIED: _ClassVar[TrainedTokens]
    TRAINED_TOKENS_SAMPLED: _ClassVar[TrainedTokens]
    TRAINED_TOKENS_CONTENT: _ClassVar[TrainedTokens]
    TRAINED_TOKENS_MESSAGE: _ClassVar[TrainedTokens]
ANALYSIS_RULE_UNSPECIFIED: AnalysisRule
ANALYSIS_RULE_KEEP: AnalysisRule
ANALYSIS_RULE_CURRENT_TURN: AnalysisRule
ANALYSIS_RULE_NONE: AnalysisRule
ATTRIBUTION_UNSPECIFIED: Attribution
ATTRIBUTION_MESSAGES: Attribution
ATTRIBUTION_PARTS: Attribution
TOKEN_PART_UNSPECIFIED: TokenPart
TOKEN_PART_START: TokenPart
TOKEN_PART_AUTHOR: TokenPart
TOKEN_PART_NAME: TokenPart
TOKEN_PART_RECIPIENT: TokenPart
TOKEN_PART_CHANNEL: TokenPart
TOKEN_PART_CONTENT_TYPE: TokenPart
TOKEN_PART_MESSAGE: TokenPart
TOKEN_PART_CONTENT: TokenPart
TOKEN_PART_STOP: TokenPart
TRAINED_MESSAGES_UNSPECIFIED: TrainedMessages
TRAINED_MESSAGES_LAST_TURN: TrainedMessages
TRAINED_MESSAGES_LAST_SAMPLE: TrainedMessages
TRAINED_MESSAGES_ALL: TrainedMessages
TRAINED_MESSAGES_CHOSEN: TrainedMessages
TRAINED_MESSAGES_NONE: TrainedMessages
TRAINED_TOKENS_UNSPECIFIED: TrainedTokens
TRAINED_TOKENS_SAMPLED: TrainedTokens
TRAINED_TOKENS_CONTENT: TrainedTokens
TRAINED_TOKENS_MESSAGE: TrainedTokens

class GetEncodingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetEncodingResponse(_message.Message):
    __slots__ = ("name", "tokenizer_name", "n_ctx", "max_message_tokens", "stop_tokens", "stop_tokens_for_assistant_actions", "special_tokens", "vocabulary_sha256", "server_version", "end_of_text_token")
    class SpecialTokensEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_NAME_FIELD_NUMBER: _ClassVar[int]
    N_CTX_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKENS_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKENS_FOR_ASSISTANT_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SHA256_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    END_OF_TEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    tokenizer_name: str
    n_ctx: int
    max_message_tokens: int
    stop_tokens: _containers.RepeatedScalarFieldContainer[int]
    stop_tokens_for_assistant_actions: _containers.RepeatedScalarFieldContainer[int]
    special_tokens: _containers.ScalarMap[str, int]
    vocabulary_sha256: str
    server_version: str
    end_of_text_token: int
    def __init__(self, name: _Optional[str] = ..., tokenizer_name: _Optional[str] = ..., n_ctx: _Optional[int] = ..., max_message_tokens: _Optional[int] = ..., stop_tokens: _Optional[_Iterable[int]] = ..., stop_tokens_for_assistant_actions: _Optional[_Iterable[int]] = ..., special_tokens: _Optional[_Mapping[str, int]] = ..., vocabulary_sha256: _Optional[str] = ..., server_version: _Optional[str] = ..., end_of_text_token: _Optional[int] = ...) -> None: ...

class GetRenderCacheStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRenderCacheStatisticsResponse(_message.Message):
    __slots__ = ("hits", "misses", "entries", "bytes", "max_bytes")
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int
    def __init__(self, hits: _Optional[int] = ..., misses: _Optional[int] = ..., entries: _Optional[int] = ..., bytes: _Optional[int] = ..., max_bytes: _Optional[int] = ...) -> None: ...

class RenderOptions(_message.Message):
    __slots__ = ("conversation_has_function_tools",)
    CONVERSATION_HAS_FUNCTION_TOOLS_FIELD_NUMBER: _ClassVar[int]
    conversation_has_function_tools: bool
    def __init__(self, conversation_has_function_tools: bool = ...) -> None: ...

class RenderConversationConfig(_message.Message):
    __slots__ = ("auto_drop_analysis", "analysis")
    AUTO_DROP_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    auto_drop_analysis: bool
    analysis: AnalysisRule
    def __init__(self, auto_drop_analysis: bool = ..., analysis: _Optional[_Union[AnalysisRule, str]] = ...) -> None: ...

class TokenRuns(_message.Message):
    __slots__ = ("lengths", "messages", "parts", "contents")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    messages: _containers.RepeatedScalarFieldContainer[int]
    parts: _containers.RepeatedScalarFieldContainer[TokenPart]
    contents: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, lengths: _Optional[_Iterable[int]] = ..., messages: _Optional[_Iterable[int]] = ..., parts: _Optional[_Iterable[_Union[TokenPart, str]]] = ..., contents: _Optional[_Iterable[int]] = ...) -> None: ...

class LossPolicy(_message.Message):
    __slots__ = ("messages", "tokens", "channels", "leave_out_calls", "chosen")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    LEAVE_OUT_CALLS_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    messages: TrainedMessages
    tokens: TrainedTokens
    channels: _containers.RepeatedScalarFieldContainer[str]
    leave_out_calls: bool
    chosen: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, messages: _Optional[_Union[TrainedMessages, str]] = ..., tokens: _Optional[_Union[TrainedTokens, str]] = ..., channels: _Optional[_Iterable[str]] = ..., leave_out_calls: bool = ..., chosen: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderRequest(_message.Message):
    __slots__ = ("message", "options", "attribution")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    message: _chat_pb2.Message
    options: RenderOptions
    attribution: Attribution
    def __init__(self, message: _Optional[_Union[_chat_pb2.Message, _Mapping]] = ..., options: _Optional[_Union[RenderOptions, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ...) -> None: ...

class RenderResponse(_message.Message):
    __slots__ = ("tokens", "runs")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    runs: TokenRuns
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., runs: _Optional[_Union[TokenRuns, _Mapping]] = ...) -> None: ...

class RenderConversationRequest(_message.Message):
    __slots__ = ("conversation", "config", "attribution")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    config: RenderConversationConfig
    attribution: Attribution
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ...) -> None: ...

class RenderConversationResponse(_message.Message):
    __slots__ = ("tokens", "runs")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    runs: TokenRuns
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., runs: _Optional[_Union[TokenRuns, _Mapping]] = ...) -> None: ...

class RenderConversationForCompletionRequest(_message.Message):
    __slots__ = ("conversation", "next_turn_role", "config", "attribution")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    NEXT_TURN_ROLE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    next_turn_role: _chat_pb2.Role
    config: RenderConversationConfig
    attribution: Attribution
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., next_turn_role: _Optional[_Union[_chat_pb2.Role, str]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ...) -> None: ...

class RenderConversationForCompletionResponse(_message.Message):
    __slots__ = ("tokens", "runs")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    runs: TokenRuns
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., runs: _Optional[_Union[TokenRuns, _Mapping]] = ...) -> None: ...

class RenderConversationForTrainingRequest(_message.Message):
    __slots__ = ("conversation", "config", "attribution", "loss")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    config: RenderConversationConfig
    attribution: Attribution
    loss: LossPolicy
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ..., loss: _Optional[_Union[LossPolicy, _Mapping]] = ...) -> None: ...

class RenderConversationForTrainingResponse(_message.Message):
    __slots__ = ("tokens", "runs", "loss_runs")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    LOSS_RUNS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    runs: TokenRuns
    loss_runs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., runs: _Optional[_Union[TokenRuns, _Mapping]] = ..., loss_runs: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderContinuationRequest(_message.Message):
    __slots__ = ("sampled", "role", "messages", "next_turn_role", "options", "attribution", "drop_analysis", "keep_return")
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_TURN_ROLE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    DROP_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    KEEP_RETURN_FIELD_NUMBER: _ClassVar[int]
    sampled: _containers.RepeatedScalarFieldContainer[int]
    role: _chat_pb2.Role
    messages: _containers.RepeatedCompositeFieldContainer[_chat_pb2.Message]
    next_turn_role: _chat_pb2.Role
    options: RenderOptions
    attribution: Attribution
    drop_analysis: bool
    keep_return: bool
    def __init__(self, sampled: _Optional[_Iterable[int]] = ..., role: _Optional[_Union[_chat_pb2.Role, str]] = ..., messages: _Optional[_Iterable[_Union[_chat_pb2.Message, _Mapping]]] = ..., next_turn_role: _Optional[_Union[_chat_pb2.Role, str]] = ..., options: _Optional[_Union[RenderOptions, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ..., drop_analysis: bool = ..., keep_return: bool = ...) -> None: ...

class RenderContinuationResponse(_message.Message):
    __slots__ = ("tokens", "kept", "closed", "runs", "cut_begins", "cut_ends")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    CUT_BEGINS_FIELD_NUMBER: _ClassVar[int]
    CUT_ENDS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    kept: int
    closed: bool
    runs: TokenRuns
    cut_begins: _containers.RepeatedScalarFieldContainer[int]
    cut_ends: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., kept: _Optional[int] = ..., closed: bool = ..., runs: _Optional[_Union[TokenRuns, _Mapping]] = ..., cut_begins: _Optional[_Iterable[int]] = ..., cut_ends: _Optional[_Iterable[int]] = ...) -> None: ...

class BuildSamplingConstraintRequest(_message.Message):
    __slots__ = ("conversation", "format", "options")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    format: _constraint_pb2.ConstraintFormat
    options: _constraint_pb2.SamplingConstraintOptions
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., format: _Optional[_Union[_constraint_pb2.ConstraintFormat, str]] = ..., options: _Optional[_Union[_constraint_pb2.SamplingConstraintOptions, _Mapping]] = ...) -> None: ...

class BuildSamplingConstraintResponse(_message.Message):
    __slots__ = ("grammar", "automaton", "sha256", "stop_tokens", "notices")
    GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    AUTOMATON_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKENS_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    grammar: str
    automaton: _constraint_pb2.TokenAutomaton
    sha256: str
    stop_tokens: _containers.RepeatedScalarFieldContainer[int]
    notices: _containers.RepeatedCompositeFieldContainer[_constraint_pb2.ConstraintNotice]
    def __init__(self, grammar: _Optional[str] = ..., automaton: _Optional[_Union[_constraint_pb2.TokenAutomaton, _Mapping]] = ..., sha256: _Optional[str] = ..., stop_tokens: _Optional[_Iterable[int]] = ..., notices: _Optional[_Iterable[_Union[_constraint_pb2.ConstraintNotice, _Mapping]]] = ...) -> None: ...

class ParseMessagesRequest(_message.Message):
    __slots__ = ("tokens", "role", "options", "prefill")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PREFILL_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    role: _chat_pb2.Role
    options: _parse_pb2.ParseOptions
    prefill: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., role: _Optional[_Union[_chat_pb2.Role, str]] = ..., options: _Optional[_Union[_parse_pb2.ParseOptions, _Mapping]] = ..., prefill: _Optional[_Iterable[int]] = ...) -> None: ...

class MessageOutcome(_message.Message):
    __slots__ = ("stop_token", "offsets", "repairs")
    STOP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    stop_token: int
    offsets: _parse_pb2.MessageOffsets
    repairs: _containers.RepeatedScalarFieldContainer[_parse_pb2.RecoveryReason]
    def __init__(self, stop_token: _Optional[int] = ..., offsets: _Optional[_Union[_parse_pb2.MessageOffsets, _Mapping]] = ..., repairs: _Optional[_Iterable[_Union[_parse_pb2.RecoveryReason, str]]] = ...) -> None: ...

class ParseMessagesResponse(_message.Message):
    __slots__ = ("messages", "outcomes", "recovered")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[_chat_pb2.Message]
    outcomes: _containers.RepeatedCompositeFieldContainer[MessageOutcome]
    recovered: _containers.RepeatedCompositeFieldContainer[_parse_pb2.Recovered]
    def __init__(self, messages: _Optional[_Iterable[_Union[_chat_pb2.Message, _Mapping]]] = ..., outcomes: _Optional[_Iterable[_Union[MessageOutcome, _Mapping]]] = ..., recovered: _Optional[_Iterable[_Union[_parse_pb2.Recovered, _Mapping]]] = ...) -> None: ...

class SpecialTokenSet(_message.Message):
    __slots__ = ("all", "tokens")
    ALL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    all: bool
    tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, all: bool = ..., tokens: _Optional[_Iterable[str]] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("text", "allowed_special", "disallowed_special")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    DISALLOWED_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    text: str
    allowed_special: SpecialTokenSet
    disallowed_special: SpecialTokenSet
    def __init__(self, text: _Optional[str] = ..., allowed_special: _Optional[_Union[SpecialTokenSet, _Mapping]] = ..., disallowed_special: _Optional[_Union[SpecialTokenSet, _Mapping]] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class DecodeRequest(_message.Message):
    __slots__ = ("tokens", "strict", "as_bytes")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    AS_BYTES_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    strict: bool
    as_bytes: bool
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., strict: bool = ..., as_bytes: bool = ...) -> None: ...

class DecodeResponse(_message.Message):
    __slots__ = ("text", "data")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    text: str
    data: bytes
    def __init__(self, text: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...
