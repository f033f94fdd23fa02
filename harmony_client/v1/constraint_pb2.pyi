from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConstraintFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSTRAINT_FORMAT_UNSPECIFIED: _ClassVar[ConstraintFormat]
    CONSTRAINT_FORMAT_XGRAMMAR_EBNF: _ClassVar[ConstraintFormat]
    CONSTRAINT_FORMAT_XGRAMMAR_STRUCTURAL_TAG: _ClassVar[ConstraintFormat]
    CONSTRAINT_FORMAT_LLGUIDANCE_LARK: _ClassVar[ConstraintFormat]
    CONSTRAINT_FORMAT_LLAMA_GBNF: _ClassVar[ConstraintFormat]
    CONSTRAINT_FORMAT_TOKEN_AUTOMATON: _ClassVar[ConstraintFormat]

class ConstraintLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSTRAINT_LEVEL_UNSPECIFIED: _ClassVar[ConstraintLevel]
    CONSTRAINT_LEVEL_STRUCTURE: _ClassVar[ConstraintLevel]
    CONSTRAINT_LEVEL_TOOLS: _ClassVar[ConstraintLevel]
    CONSTRAINT_LEVEL_SCHEMAS: _ClassVar[ConstraintLevel]

class HeaderForms(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEADER_FORMS_UNSPECIFIED: _ClassVar[HeaderForms]
    HEADER_FORMS_TRAINED: _ClassVar[HeaderForms]
    HEADER_FORMS_CANONICAL: _ClassVar[HeaderForms]

class ReasoningMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASONING_MODE_UNSPECIFIED: _ClassVar[ReasoningMode]
    REASONING_MODE_ALLOWED: _ClassVar[ReasoningMode]
    REASONING_MODE_FORBIDDEN: _ClassVar[ReasoningMode]

class ToolChoiceMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_CHOICE_MODE_UNSPECIFIED: _ClassVar[ToolChoiceMode]
    TOOL_CHOICE_MODE_AUTO: _ClassVar[ToolChoiceMode]
    TOOL_CHOICE_MODE_NONE: _ClassVar[ToolChoiceMode]
    TOOL_CHOICE_MODE_REQUIRED: _ClassVar[ToolChoiceMode]

class ConstraintNoticeReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSTRAINT_NOTICE_REASON_UNSPECIFIED: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_KEYWORD_NOT_ENFORCED: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_LENGTH_NOT_ENFORCED: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_SCHEMA_NOT_ENFORCED: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_ONE_OF_AS_ANY_OF: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_DUPLICATE_TOOL: _ClassVar[ConstraintNoticeReason]
    CONSTRAINT_NOTICE_REASON_BODIES_NOT_ENFORCED: _ClassVar[ConstraintNoticeReason]
CONSTRAINT_FORMAT_UNSPECIFIED: ConstraintFormat
CONSTRAINT_FORMAT_XGRAMMAR_EBNF: ConstraintFormat
CONSTRAINT_FORMAT_XGRAMMAR_STRUCTURAL_TAG: ConstraintFormat
CONSTRAINT_FORMAT_LLGUIDANCE_LARK: ConstraintFormat
CONSTRAINT_FORMAT_LLAMA_GBNF: ConstraintFormat
CONSTRAINT_FORMAT_TOKEN_AUTOMATON: ConstraintFormat
CONSTRAINT_LEVEL_UNSPECIFIED: ConstraintLevel
CONSTRAINT_LEVEL_STRUCTURE: ConstraintLevel
CONSTRAINT_LEVEL_TOOLS: ConstraintLevel
CONSTRAINT_LEVEL_SCHEMAS: ConstraintLevel
HEADER_FORMS_UNSPECIFIED: HeaderForms
HEADER_FORMS_TRAINED: HeaderForms
HEADER_FORMS_CANONICAL: HeaderForms
REASONING_MODE_UNSPECIFIED: ReasoningMode
REASONING_MODE_ALLOWED: ReasoningMode
REASONING_MODE_FORBIDDEN: ReasoningMode
TOOL_CHOICE_MODE_UNSPECIFIED: ToolChoiceMode
TOOL_CHOICE_MODE_AUTO: ToolChoiceMode
TOOL_CHOICE_MODE_NONE: ToolChoiceMode
TOOL_CHOICE_MODE_REQUIRED: ToolChoiceMode
CONSTRAINT_NOTICE_REASON_UNSPECIFIED: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_KEYWORD_NOT_ENFORCED: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_LENGTH_NOT_ENFORCED: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_SCHEMA_NOT_ENFORCED: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_ONE_OF_AS_ANY_OF: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_DUPLICATE_TOOL: ConstraintNoticeReason
CONSTRAINT_NOTICE_REASON_BODIES_NOT_ENFORCED: ConstraintNoticeReason

class ToolChoice(_message.Message):
    __slots__ = ("mode", "allowed_recipients")
    MODE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    mode: ToolChoiceMode
    allowed_recipients: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mode: _Optional[_Union[ToolChoiceMode, str]] = ..., allowed_recipients: _Optional[_Iterable[str]] = ...) -> None: ...

class SamplingConstraintOptions(_message.Message):
    __slots__ = ("tool_choice", "response_schema_json", "level", "header_forms", "reasoning", "no_preambles", "max_messages_before_last", "prefill", "open_objects", "strict_schemas", "max_json_whitespace", "stop_tokens_in_grammar", "vocabulary_size")
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    HEADER_FORMS_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    NO_PREAMBLES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGES_BEFORE_LAST_FIELD_NUMBER: _ClassVar[int]
    PREFILL_FIELD_NUMBER: _ClassVar[int]
    OPEN_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    STRICT_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    MAX_JSON_WHITESPACE_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKENS_IN_GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    tool_choice: ToolChoice
    response_schema_json: str
    level: ConstraintLevel
    header_forms: HeaderForms
    reasoning: ReasoningMode
    no_preambles: bool
    max_messages_before_last: int
    prefill: _containers.RepeatedScalarFieldContainer[int]
    open_objects: bool
    strict_schemas: bool
    max_json_whitespace: int
    stop_tokens_in_grammar: bool
    vocabulary_size: int
    def __init__(self, tool_choice: _Optional[_Union[ToolChoice, _Mapping]] = ..., response_schema_json: _Optional[str] = ..., level: _Optional[_Union[ConstraintLevel, str]] = ..., header_forms: _Optional[_Union[HeaderForms, str]] = ..., reasoning: _Optional[_Union[ReasoningMode, str]] = ..., no_preambles: bool = ..., max_messages_before_last: _Optional[int] = ..., prefill: _Optional[_Iterable[int]] = ..., open_objects: bool = ..., strict_schemas: bool = ..., max_json_whitespace: _Optional[int] = ..., stop_tokens_in_grammar: bool = ..., vocabulary_size: _Optional[int] = ...) -> None: ...

class TokenAutomaton(_message.Message):
    __slots__ = ("edge_offsets", "edge_tokens", "edge_targets", "text_states", "accepting_states")
    EDGE_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    EDGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EDGE_TARGETS_FIELD_NUMBER: _ClassVar[int]
    TEXT_STATES_FIELD_NUMBER: _ClassVar[int]
    ACCEPTING_STATES_FIELD_NUMBER: _ClassVar[int]
    edge_offsets: _containers.RepeatedScalarFieldContainer[int]
    edge_tokens: _containers.RepeatedScalarFieldContainer[int]
    edge_targets: _containers.RepeatedScalarFieldContainer[int]
    text_states: _containers.RepeatedScalarFieldContainer[int]
    accepting_states: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, edge_offsets: _Optional[_Iterable[int]] = ..., edge_tokens: _Optional[_Iterable[int]] = ..., edge_targets: _Optional[_Iterable[int]] = ..., text_states: _Optional[_Iterable[int]] = ..., accepting_states: _Optional[_Iterable[int]] = ...) -> None: ...

class ConstraintNotice(_message.Message):
    __slots__ = ("reason", "field", "pointer", "keyword")
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    KEYWORD_FIELD_NUMBER: _ClassVar[int]
    reason: ConstraintNoticeReason
    field: str
    pointer: str
    keyword: str
    def __init__(self, reason: _Optional[_Union[ConstraintNoticeReason, str]] = ..., field: _Optional[str] = ..., pointer: _Optional[str] = ..., keyword: _Optional[str] = ...) -> None: ...
