from harmony_client._google import annotations_pb2 as _annotations_pb2
from harmony_client.v1 import chat_pb2 as _chat_pb2
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
ANALYSIS_RULE_UNSPECIFIED: AnalysisRule
ANALYSIS_RULE_KEEP: AnalysisRule
ANALYSIS_RULE_CURRENT_TURN: AnalysisRule
ANALYSIS_RULE_NONE: AnalysisRule

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

class RenderRequest(_message.Message):
    __slots__ = ("message", "options")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    message: _chat_pb2.Message
    options: RenderOptions
    def __init__(self, message: _Optional[_Union[_chat_pb2.Message, _Mapping]] = ..., options: _Optional[_Union[RenderOptions, _Mapping]] = ...) -> None: ...

class RenderResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderConversationRequest(_message.Message):
    __slots__ = ("conversation", "config")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    config: RenderConversationConfig
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ...) -> None: ...

class RenderConversationResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderConversationForCompletionRequest(_message.Message):
    __slots__ = ("conversation", "next_turn_role", "config")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    NEXT_TURN_ROLE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    next_turn_role: _chat_pb2.Role
    config: RenderConversationConfig
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., next_turn_role: _Optional[_Union[_chat_pb2.Role, str]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ...) -> None: ...

class RenderConversationForCompletionResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderConversationForTrainingRequest(_message.Message):
    __slots__ = ("conversation", "config")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    conversation: _chat_pb2.Conversation
    config: RenderConversationConfig
    def __init__(self, conversation: _Optional[_Union[_chat_pb2.Conversation, _Mapping]] = ..., config: _Optional[_Union[RenderConversationConfig, _Mapping]] = ...) -> None: ...

class RenderConversationForTrainingResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

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
