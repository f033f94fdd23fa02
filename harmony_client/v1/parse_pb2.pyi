from harmony_client._google import status_pb2 as _status_pb2
from harmony_client.v1 import chat_pb2 as _chat_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecoveryReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECOVERY_REASON_UNSPECIFIED: _ClassVar[RecoveryReason]
    RECOVERY_REASON_TEXT_OUTSIDE_MESSAGE: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MISSING_START: _ClassVar[RecoveryReason]
    RECOVERY_REASON_EXTRA_START: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MISSING_STOP: _ClassVar[RecoveryReason]
    RECOVERY_REASON_EXTRA_STOP: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MISSING_MESSAGE: _ClassVar[RecoveryReason]
    RECOVERY_REASON_EXTRA_MESSAGE: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MALFORMED_CHANNEL: _ClassVar[RecoveryReason]
    RECOVERY_REASON_REPEATED_CHANNEL: _ClassVar[RecoveryReason]
    RECOVERY_REASON_REPEATED_RECIPIENT: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MALFORMED_ROLE: _ClassVar[RecoveryReason]
    RECOVERY_REASON_MISPLACED_CONTENT_TYPE: _ClassVar[RecoveryReason]
    RECOVERY_REASON_UNEXPECTED_HEADER_TEXT: _ClassVar[RecoveryReason]
    RECOVERY_REASON_HEADER_TOO_LONG: _ClassVar[RecoveryReason]
    RECOVERY_REASON_TRUNCATED_HEADER: _ClassVar[RecoveryReason]
    RECOVERY_REASON_INVALID_TOKEN: _ClassVar[RecoveryReason]
    RECOVERY_REASON_INVALID_UTF8: _ClassVar[RecoveryReason]
RECOVERY_REASON_UNSPECIFIED: RecoveryReason
RECOVERY_REASON_TEXT_OUTSIDE_MESSAGE: RecoveryReason
RECOVERY_REASON_MISSING_START: RecoveryReason
RECOVERY_REASON_EXTRA_START: RecoveryReason
RECOVERY_REASON_MISSING_STOP: RecoveryReason
RECOVERY_REASON_EXTRA_STOP: RecoveryReason
RECOVERY_REASON_MISSING_MESSAGE: RecoveryReason
RECOVERY_REASON_EXTRA_MESSAGE: RecoveryReason
RECOVERY_REASON_MALFORMED_CHANNEL: RecoveryReason
RECOVERY_REASON_REPEATED_CHANNEL: RecoveryReason
RECOVERY_REASON_REPEATED_RECIPIENT: RecoveryReason
RECOVERY_REASON_MALFORMED_ROLE: RecoveryReason
RECOVERY_REASON_MISPLACED_CONTENT_TYPE: RecoveryReason
RECOVERY_REASON_UNEXPECTED_HEADER_TEXT: RecoveryReason
RECOVERY_REASON_HEADER_TOO_LONG: RecoveryReason
RECOVERY_REASON_TRUNCATED_HEADER: RecoveryReason
RECOVERY_REASON_INVALID_TOKEN: RecoveryReason
RECOVERY_REASON_INVALID_UTF8: RecoveryReason

class ParseOptions(_message.Message):
    __slots__ = ("strict", "recover", "max_header_tokens", "callable_names", "channels", "delta_offsets")
    STRICT_FIELD_NUMBER: _ClassVar[int]
    RECOVER_FIELD_NUMBER: _ClassVar[int]
    MAX_HEADER_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CALLABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    DELTA_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    strict: bool
    recover: bool
    max_header_tokens: int
    callable_names: _containers.RepeatedScalarFieldContainer[str]
    channels: _containers.RepeatedScalarFieldContainer[str]
    delta_offsets: bool
    def __init__(self, strict: bool = ..., recover: bool = ..., max_header_tokens: _Optional[int] = ..., callable_names: _Optional[_Iterable[str]] = ..., channels: _Optional[_Iterable[str]] = ..., delta_offsets: bool = ...) -> None: ...

class TokenRange(_message.Message):
    __slots__ = ("begin", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: int
    end: int
    def __init__(self, begin: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class MessageOffsets(_message.Message):
    __slots__ = ("header", "content")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    header: TokenRange
    content: TokenRange
    def __init__(self, header: _Optional[_Union[TokenRange, _Mapping]] = ..., content: _Optional[_Union[TokenRange, _Mapping]] = ...) -> None: ...

class MessageStarted(_message.Message):
    __slots__ = ("author", "recipient", "channel", "content_type")
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    author: _chat_pb2.Author
    recipient: str
    channel: str
    content_type: str
    def __init__(self, author: _Optional[_Union[_chat_pb2.Author, _Mapping]] = ..., recipient: _Optional[str] = ..., channel: _Optional[str] = ..., content_type: _Optional[str] = ...) -> None: ...

class ContentDelta(_message.Message):
    __slots__ = ("text", "offsets")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    text: str
    offsets: TokenRange
    def __init__(self, text: _Optional[str] = ..., offsets: _Optional[_Union[TokenRange, _Mapping]] = ...) -> None: ...

class MessageCompleted(_message.Message):
    __slots__ = ("message", "stop_token", "offsets", "repairs")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    message: _chat_pb2.Message
    stop_token: int
    offsets: MessageOffsets
    repairs: _containers.RepeatedScalarFieldContainer[RecoveryReason]
    def __init__(self, message: _Optional[_Union[_chat_pb2.Message, _Mapping]] = ..., stop_token: _Optional[int] = ..., offsets: _Optional[_Union[MessageOffsets, _Mapping]] = ..., repairs: _Optional[_Iterable[_Union[RecoveryReason, str]]] = ...) -> None: ...

class Recovered(_message.Message):
    __slots__ = ("reason", "text", "offsets", "raw_header", "message_index")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    RAW_HEADER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    reason: RecoveryReason
    text: str
    offsets: TokenRange
    raw_header: str
    message_index: int
    def __init__(self, reason: _Optional[_Union[RecoveryReason, str]] = ..., text: _Optional[str] = ..., offsets: _Optional[_Union[TokenRange, _Mapping]] = ..., raw_header: _Optional[str] = ..., message_index: _Optional[int] = ...) -> None: ...

class ParseEvent(_message.Message):
    __slots__ = ("started", "delta", "completed", "recovered")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    started: MessageStarted
    delta: ContentDelta
    completed: MessageCompleted
    recovered: Recovered
    def __init__(self, started: _Optional[_Union[MessageStarted, _Mapping]] = ..., delta: _Optional[_Union[ContentDelta, _Mapping]] = ..., completed: _Optional[_Union[MessageCompleted, _Mapping]] = ..., recovered: _Optional[_Union[Recovered, _Mapping]] = ...) -> None: ...

class ParseConfig(_message.Message):
    __slots__ = ("role", "options", "prefill")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PREFILL_FIELD_NUMBER: _ClassVar[int]
    role: _chat_pb2.Role
    options: ParseOptions
    prefill: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, role: _Optional[_Union[_chat_pb2.Role, str]] = ..., options: _Optional[_Union[ParseOptions, _Mapping]] = ..., prefill: _Optional[_Iterable[int]] = ...) -> None: ...

class TokenIds(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class ParseRequest(_message.Message):
    __slots__ = ("config", "tokens")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    config: ParseConfig
    tokens: TokenIds
    def __init__(self, config: _Optional[_Union[ParseConfig, _Mapping]] = ..., tokens: _Optional[_Union[TokenIds, _Mapping]] = ...) -> None: ...

class ParseResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ParseEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[ParseEvent, _Mapping]]] = ...) -> None: ...

class OpenSequence(_message.Message):
    __slots__ = ("sequence_id", "config")
    SEQUENCE_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    sequence_id: int
    config: ParseConfig
    def __init__(self, sequence_id: _Optional[int] = ..., config: _Optional[_Union[ParseConfig, _Mapping]] = ...) -> None: ...

class ParseBatchRequest(_message.Message):
    __slots__ = ("open", "sequence_ids", "tokens", "close")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    open: _containers.RepeatedCompositeFieldContainer[OpenSequence]
    sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    close: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, open: _Optional[_Iterable[_Union[OpenSequence, _Mapping]]] = ..., sequence_ids: _Optional[_Iterable[int]] = ..., tokens: _Optional[_Iterable[int]] = ..., close: _Optional[_Iterable[int]] = ...) -> None: ...

class SequenceEvent(_message.Message):
    __slots__ = ("sequence_id", "delta_index", "started", "completed", "recovered", "error")
    SEQUENCE_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_INDEX_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sequence_id: int
    delta_index: int
    started: MessageStarted
    completed: MessageCompleted
    recovered: Recovered
    error: _status_pb2.Status
    def __init__(self, sequence_id: _Optional[int] = ..., delta_index: _Optional[int] = ..., started: _Optional[_Union[MessageStarted, _Mapping]] = ..., completed: _Optional[_Union[MessageCompleted, _Mapping]] = ..., recovered: _Optional[_Union[Recovered, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ParseBatchResponse(_message.Message):
    __slots__ = ("sequence_ids", "deltas", "events", "delta_begins", "delta_ends")
    SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    DELTAS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    DELTA_BEGINS_FIELD_NUMBER: _ClassVar[int]
    DELTA_ENDS_FIELD_NUMBER: _ClassVar[int]
    sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    deltas: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[SequenceEvent]
    delta_begins: _containers.RepeatedScalarFieldContainer[int]
    delta_ends: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sequence_ids: _Optional[_Iterable[int]] = ..., deltas: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[SequenceEvent, _Mapping]]] = ..., delta_begins: _Optional[_Iterable[int]] = ..., delta_ends: _Optional[_Iterable[int]] = ...) -> None: ...
