from harmony_client._google import annotations_pb2 as _annotations_pb2
from harmony_client._google import status_pb2 as _status_pb2
from harmony_client.v1 import chat_pb2 as _chat_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Unsupported(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNSUPPORTED_UNSPECIFIED: _ClassVar[Unsupported]
    UNSUPPORTED_IGNORE: _ClassVar[Unsupported]
    UNSUPPORTED_REJECT: _ClassVar[Unsupported]

class ReasoningHistory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASONING_HISTORY_UNSPECIFIED: _ClassVar[ReasoningHistory]
    REASONING_HISTORY_CURRENT_TURN: _ClassVar[ReasoningHistory]
    REASONING_HISTORY_ALL: _ClassVar[ReasoningHistory]
    REASONING_HISTORY_NONE: _ClassVar[ReasoningHistory]

class ToolChoiceMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_CHOICE_METHOD_UNSPECIFIED: _ClassVar[ToolChoiceMethod]
    TOOL_CHOICE_METHOD_PREFILL: _ClassVar[ToolChoiceMethod]
    TOOL_CHOICE_METHOD_CONTINUE: _ClassVar[ToolChoiceMethod]
    TOOL_CHOICE_METHOD_HINT: _ClassVar[ToolChoiceMethod]
    TOOL_CHOICE_METHOD_REJECT: _ClassVar[ToolChoiceMethod]

class NamespaceTools(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NAMESPACE_TOOLS_UNSPECIFIED: _ClassVar[NamespaceTools]
    NAMESPACE_TOOLS_NATIVE: _ClassVar[NamespaceTools]
    NAMESPACE_TOOLS_FLATTEN: _ClassVar[NamespaceTools]

class ReasoningField(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASONING_FIELD_UNSPECIFIED: _ClassVar[ReasoningField]
    REASONING_FIELD_BOTH: _ClassVar[ReasoningField]
    REASONING_FIELD_REASONING: _ClassVar[ReasoningField]
    REASONING_FIELD_REASONING_CONTENT: _ClassVar[ReasoningField]
    REASONING_FIELD_NONE: _ClassVar[ReasoningField]

class NoticeReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_REASON_UNSPECIFIED: _ClassVar[NoticeReason]
    NOTICE_REASON_TOOL_IGNORED: _ClassVar[NoticeReason]
    NOTICE_REASON_ITEM_IGNORED: _ClassVar[NoticeReason]
    NOTICE_REASON_EFFORT_CHANGED: _ClassVar[NoticeReason]
    NOTICE_REASON_PARAMETER_IGNORED: _ClassVar[NoticeReason]
    NOTICE_REASON_TEXT_CHANGED: _ClassVar[NoticeReason]
    NOTICE_REASON_NOT_ENFORCED: _ClassVar[NoticeReason]

class Api(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    API_UNSPECIFIED: _ClassVar[Api]
    API_CHAT_COMPLETIONS: _ClassVar[Api]
    API_RESPONSES: _ClassVar[Api]

class ToolKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_KIND_UNSPECIFIED: _ClassVar[ToolKind]
    TOOL_KIND_FUNCTION: _ClassVar[ToolKind]
    TOOL_KIND_CUSTOM: _ClassVar[ToolKind]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_STOP: _ClassVar[EndReason]
    END_REASON_LENGTH: _ClassVar[EndReason]
    END_REASON_CONTENT_FILTER: _ClassVar[EndReason]
    END_REASON_CANCELLED: _ClassVar[EndReason]
    END_REASON_ERROR: _ClassVar[EndReason]

class Framing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRAMING_UNSPECIFIED: _ClassVar[Framing]
    FRAMING_SSE: _ClassVar[Framing]
    FRAMING_LINES: _ClassVar[Framing]
UNSUPPORTED_UNSPECIFIED: Unsupported
UNSUPPORTED_IGNORE: Unsupported
UNSUPPORTED_REJECT: Unsupported
REASONING_HISTORY_UNSPECIFIED: ReasoningHistory
REASONING_HISTORY_CURRENT_TURN: ReasoningHistory
REASONING_HISTORY_ALL: ReasoningHistory
REASONING_HISTORY_NONE: ReasoningHistory
TOOL_CHOICE_METHOD_UNSPECIFIED: ToolChoiceMethod
TOOL_CHOICE_METHOD_PREFILL: ToolChoiceMethod
TOOL_CHOICE_METHOD_CONTINUE: ToolChoiceMethod
TOOL_CHOICE_METHOD_HINT: ToolChoiceMethod
TOOL_CHOICE_METHOD_REJECT: ToolChoiceMethod
NAMESPACE_TOOLS_UNSPECIFIED: NamespaceTools
NAMESPACE_TOOLS_NATIVE: NamespaceTools
NAMESPACE_TOOLS_FLATTEN: NamespaceTools
REASONING_FIELD_UNSPECIFIED: ReasoningField
REASONING_FIELD_BOTH: ReasoningField
REASONING_FIELD_REASONING: ReasoningField
REASONING_FIELD_REASONING_CONTENT: ReasoningField
REASONING_FIELD_NONE: ReasoningField
NOTICE_REASON_UNSPECIFIED: NoticeReason
NOTICE_REASON_TOOL_IGNORED: NoticeReason
NOTICE_REASON_ITEM_IGNORED: NoticeReason
NOTICE_REASON_EFFORT_CHANGED: NoticeReason
NOTICE_REASON_PARAMETER_IGNORED: NoticeReason
NOTICE_REASON_TEXT_CHANGED: NoticeReason
NOTICE_REASON_NOT_ENFORCED: NoticeReason
API_UNSPECIFIED: Api
API_CHAT_COMPLETIONS: Api
API_RESPONSES: Api
TOOL_KIND_UNSPECIFIED: ToolKind
TOOL_KIND_FUNCTION: ToolKind
TOOL_KIND_CUSTOM: ToolKind
END_REASON_UNSPECIFIED: EndReason
END_REASON_STOP: EndReason
END_REASON_LENGTH: EndReason
END_REASON_CONTENT_FILTER: EndReason
END_REASON_CANCELLED: EndReason
END_REASON_ERROR: EndReason
FRAMING_UNSPECIFIED: Framing
FRAMING_SSE: Framing
FRAMING_LINES: Framing

class AnswerHeader(_message.Message):
    __slots__ = ("id", "created", "model", "system_fingerprint")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    id: str
    created: int
    model: str
    system_fingerprint: str
    def __init__(self, id: _Optional[str] = ..., created: _Optional[int] = ..., model: _Optional[str] = ..., system_fingerprint: _Optional[str] = ...) -> None: ...

class RenderPolicy(_message.Message):
    __slots__ = ("model_identity", "conversation_start_date", "knowledge_cutoff", "default_reasoning_effort", "unsupported_effort", "unsupported_tools", "reasoning_history", "tool_choice_method", "namespace_tools", "reasoning_field", "encrypted_reasoning", "stores_answers", "call_content_type")
    MODEL_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_START_DATE_FIELD_NUMBER: _ClassVar[int]
    KNOWLEDGE_CUTOFF_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_REASONING_EFFORT_FIELD_NUMBER: _ClassVar[int]
    UNSUPPORTED_EFFORT_FIELD_NUMBER: _ClassVar[int]
    UNSUPPORTED_TOOLS_FIELD_NUMBER: _ClassVar[int]
    REASONING_HISTORY_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_METHOD_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_TOOLS_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_REASONING_FIELD_NUMBER: _ClassVar[int]
    STORES_ANSWERS_FIELD_NUMBER: _ClassVar[int]
    CALL_CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    model_identity: str
    conversation_start_date: str
    knowledge_cutoff: str
    default_reasoning_effort: _chat_pb2.ReasoningEffort
    unsupported_effort: Unsupported
    unsupported_tools: Unsupported
    reasoning_history: ReasoningHistory
    tool_choice_method: ToolChoiceMethod
    namespace_tools: NamespaceTools
    reasoning_field: ReasoningField
    encrypted_reasoning: bool
    stores_answers: bool
    call_content_type: str
    def __init__(self, model_identity: _Optional[str] = ..., conversation_start_date: _Optional[str] = ..., knowledge_cutoff: _Optional[str] = ..., default_reasoning_effort: _Optional[_Union[_chat_pb2.ReasoningEffort, str]] = ..., unsupported_effort: _Optional[_Union[Unsupported, str]] = ..., unsupported_tools: _Optional[_Union[Unsupported, str]] = ..., reasoning_history: _Optional[_Union[ReasoningHistory, str]] = ..., tool_choice_method: _Optional[_Union[ToolChoiceMethod, str]] = ..., namespace_tools: _Optional[_Union[NamespaceTools, str]] = ..., reasoning_field: _Optional[_Union[ReasoningField, str]] = ..., encrypted_reasoning: bool = ..., stores_answers: bool = ..., call_content_type: _Optional[str] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("reason", "field", "text")
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    reason: NoticeReason
    field: str
    text: str
    def __init__(self, reason: _Optional[_Union[NoticeReason, str]] = ..., field: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("max_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "top_logprobs", "constraints_json", "extra_json")
    class LogitBiasEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LOGIT_BIAS_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_JSON_FIELD_NUMBER: _ClassVar[int]
    EXTRA_JSON_FIELD_NUMBER: _ClassVar[int]
    max_tokens: int
    temperature: float
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    seed: int
    logit_bias: _containers.ScalarMap[int, float]
    top_logprobs: int
    constraints_json: str
    extra_json: str
    def __init__(self, max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., frequency_penalty: _Optional[float] = ..., seed: _Optional[int] = ..., logit_bias: _Optional[_Mapping[int, float]] = ..., top_logprobs: _Optional[int] = ..., constraints_json: _Optional[str] = ..., extra_json: _Optional[str] = ...) -> None: ...

class Prompt(_message.Message):
    __slots__ = ("prompt_tokens", "prefilled", "stop_tokens", "choices", "stream", "sampling", "context", "notices", "pause_tokens")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PREFILLED_FIELD_NUMBER: _ClassVar[int]
    STOP_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    PAUSE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: _containers.RepeatedScalarFieldContainer[int]
    prefilled: int
    stop_tokens: _containers.RepeatedScalarFieldContainer[int]
    choices: int
    stream: bool
    sampling: Sampling
    context: AnswerContext
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    pause_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, prompt_tokens: _Optional[_Iterable[int]] = ..., prefilled: _Optional[int] = ..., stop_tokens: _Optional[_Iterable[int]] = ..., choices: _Optional[int] = ..., stream: bool = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ..., context: _Optional[_Union[AnswerContext, _Mapping]] = ..., notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., pause_tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class RenderChatCompletionRequest(_message.Message):
    __slots__ = ("body_json", "header", "policy")
    BODY_JSON_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    body_json: bytes
    header: AnswerHeader
    policy: RenderPolicy
    def __init__(self, body_json: _Optional[bytes] = ..., header: _Optional[_Union[AnswerHeader, _Mapping]] = ..., policy: _Optional[_Union[RenderPolicy, _Mapping]] = ...) -> None: ...

class RenderChatCompletionResponse(_message.Message):
    __slots__ = ("prompt",)
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    prompt: Prompt
    def __init__(self, prompt: _Optional[_Union[Prompt, _Mapping]] = ...) -> None: ...

class RenderModelResponseRequest(_message.Message):
    __slots__ = ("body_json", "header", "policy", "history_json")
    BODY_JSON_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_JSON_FIELD_NUMBER: _ClassVar[int]
    body_json: bytes
    header: AnswerHeader
    policy: RenderPolicy
    history_json: bytes
    def __init__(self, body_json: _Optional[bytes] = ..., header: _Optional[_Union[AnswerHeader, _Mapping]] = ..., policy: _Optional[_Union[RenderPolicy, _Mapping]] = ..., history_json: _Optional[bytes] = ...) -> None: ...

class RenderModelResponseResponse(_message.Message):
    __slots__ = ("prompt", "input_items_json")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    INPUT_ITEMS_JSON_FIELD_NUMBER: _ClassVar[int]
    prompt: Prompt
    input_items_json: bytes
    def __init__(self, prompt: _Optional[_Union[Prompt, _Mapping]] = ..., input_items_json: _Optional[bytes] = ...) -> None: ...

class DeclaredTool(_message.Message):
    __slots__ = ("kind", "rendered_namespace", "rendered_name", "name", "namespace")
    KIND_FIELD_NUMBER: _ClassVar[int]
    RENDERED_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RENDERED_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    kind: ToolKind
    rendered_namespace: str
    rendered_name: str
    name: str
    namespace: str
    def __init__(self, kind: _Optional[_Union[ToolKind, str]] = ..., rendered_namespace: _Optional[str] = ..., rendered_name: _Optional[str] = ..., name: _Optional[str] = ..., namespace: _Optional[str] = ...) -> None: ...

class AnswerContext(_message.Message):
    __slots__ = ("api", "header", "choices", "stream", "include_usage", "prompt_tokens", "prefilled_tokens", "tools", "max_calls", "continue_tokens", "json_content", "stop", "logprobs", "reasoning_field", "legacy_function_call", "encrypted_reasoning", "echo_json")
    API_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_USAGE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PREFILLED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    JSON_CONTENT_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_FIELD_NUMBER: _ClassVar[int]
    LEGACY_FUNCTION_CALL_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_REASONING_FIELD_NUMBER: _ClassVar[int]
    ECHO_JSON_FIELD_NUMBER: _ClassVar[int]
    api: Api
    header: AnswerHeader
    choices: int
    stream: bool
    include_usage: bool
    prompt_tokens: int
    prefilled_tokens: _containers.RepeatedScalarFieldContainer[int]
    tools: _containers.RepeatedCompositeFieldContainer[DeclaredTool]
    max_calls: int
    continue_tokens: _containers.RepeatedScalarFieldContainer[int]
    json_content: bool
    stop: _containers.RepeatedScalarFieldContainer[str]
    logprobs: bool
    reasoning_field: ReasoningField
    legacy_function_call: bool
    encrypted_reasoning: bool
    echo_json: str
    def __init__(self, api: _Optional[_Union[Api, str]] = ..., header: _Optional[_Union[AnswerHeader, _Mapping]] = ..., choices: _Optional[int] = ..., stream: bool = ..., include_usage: bool = ..., prompt_tokens: _Optional[int] = ..., prefilled_tokens: _Optional[_Iterable[int]] = ..., tools: _Optional[_Iterable[_Union[DeclaredTool, _Mapping]]] = ..., max_calls: _Optional[int] = ..., continue_tokens: _Optional[_Iterable[int]] = ..., json_content: bool = ..., stop: _Optional[_Iterable[str]] = ..., logprobs: bool = ..., reasoning_field: _Optional[_Union[ReasoningField, str]] = ..., legacy_function_call: bool = ..., encrypted_reasoning: bool = ..., echo_json: _Optional[str] = ...) -> None: ...

class LogprobColumns(_message.Message):
    __slots__ = ("logprobs", "alternatives", "alternative_tokens", "alternative_logprobs")
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVE_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    logprobs: _containers.RepeatedScalarFieldContainer[float]
    alternatives: _containers.RepeatedScalarFieldContainer[int]
    alternative_tokens: _containers.RepeatedScalarFieldContainer[int]
    alternative_logprobs: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, logprobs: _Optional[_Iterable[float]] = ..., alternatives: _Optional[_Iterable[int]] = ..., alternative_tokens: _Optional[_Iterable[int]] = ..., alternative_logprobs: _Optional[_Iterable[float]] = ...) -> None: ...

class SequenceEnd(_message.Message):
    __slots__ = ("sequence", "reason", "error_message")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    reason: EndReason
    error_message: str
    def __init__(self, sequence: _Optional[int] = ..., reason: _Optional[_Union[EndReason, str]] = ..., error_message: _Optional[str] = ...) -> None: ...

class AnswerStep(_message.Message):
    __slots__ = ("choices", "tokens", "logprobs", "ends", "cached_prompt_tokens")
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    CACHED_PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    logprobs: LogprobColumns
    ends: _containers.RepeatedCompositeFieldContainer[SequenceEnd]
    cached_prompt_tokens: int
    def __init__(self, choices: _Optional[_Iterable[int]] = ..., tokens: _Optional[_Iterable[int]] = ..., logprobs: _Optional[_Union[LogprobColumns, _Mapping]] = ..., ends: _Optional[_Iterable[_Union[SequenceEnd, _Mapping]]] = ..., cached_prompt_tokens: _Optional[int] = ...) -> None: ...

class BuildAnswerRequest(_message.Message):
    __slots__ = ("context", "step")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    context: AnswerContext
    step: AnswerStep
    def __init__(self, context: _Optional[_Union[AnswerContext, _Mapping]] = ..., step: _Optional[_Union[AnswerStep, _Mapping]] = ...) -> None: ...

class SequenceOutcome(_message.Message):
    __slots__ = ("sequence", "finish_reason", "repairs", "undeclared_calls", "empty")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    UNDECLARED_CALLS_FIELD_NUMBER: _ClassVar[int]
    EMPTY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    finish_reason: str
    repairs: int
    undeclared_calls: int
    empty: bool
    def __init__(self, sequence: _Optional[int] = ..., finish_reason: _Optional[str] = ..., repairs: _Optional[int] = ..., undeclared_calls: _Optional[int] = ..., empty: bool = ...) -> None: ...

class AnswerResult(_message.Message):
    __slots__ = ("body_json", "http_status", "prompt_tokens", "completion_tokens", "reasoning_tokens", "outcomes")
    BODY_JSON_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    body_json: bytes
    http_status: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    outcomes: _containers.RepeatedCompositeFieldContainer[SequenceOutcome]
    def __init__(self, body_json: _Optional[bytes] = ..., http_status: _Optional[int] = ..., prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[SequenceOutcome, _Mapping]]] = ...) -> None: ...

class BuildAnswerResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: AnswerResult
    def __init__(self, result: _Optional[_Union[AnswerResult, _Mapping]] = ...) -> None: ...

class OpenAnswer(_message.Message):
    __slots__ = ("context", "framing")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FRAMING_FIELD_NUMBER: _ClassVar[int]
    context: AnswerContext
    framing: Framing
    def __init__(self, context: _Optional[_Union[AnswerContext, _Mapping]] = ..., framing: _Optional[_Union[Framing, str]] = ...) -> None: ...

class StreamAnswerRequest(_message.Message):
    __slots__ = ("open", "step")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    open: OpenAnswer
    step: AnswerStep
    def __init__(self, open: _Optional[_Union[OpenAnswer, _Mapping]] = ..., step: _Optional[_Union[AnswerStep, _Mapping]] = ...) -> None: ...

class StreamAnswerResponse(_message.Message):
    __slots__ = ("frames", "stop_choices", "continue_choices", "result")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    STOP_CHOICES_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_CHOICES_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    frames: bytes
    stop_choices: _containers.RepeatedScalarFieldContainer[int]
    continue_choices: _containers.RepeatedScalarFieldContainer[int]
    result: AnswerResult
    def __init__(self, frames: _Optional[bytes] = ..., stop_choices: _Optional[_Iterable[int]] = ..., continue_choices: _Optional[_Iterable[int]] = ..., result: _Optional[_Union[AnswerResult, _Mapping]] = ...) -> None: ...

class OpenBatchAnswer(_message.Message):
    __slots__ = ("answer_id", "sequence_ids", "context", "framing")
    ANSWER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FRAMING_FIELD_NUMBER: _ClassVar[int]
    answer_id: int
    sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    context: AnswerContext
    framing: Framing
    def __init__(self, answer_id: _Optional[int] = ..., sequence_ids: _Optional[_Iterable[int]] = ..., context: _Optional[_Union[AnswerContext, _Mapping]] = ..., framing: _Optional[_Union[Framing, str]] = ...) -> None: ...

class CachedPrompt(_message.Message):
    __slots__ = ("answer_id", "tokens")
    ANSWER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    answer_id: int
    tokens: int
    def __init__(self, answer_id: _Optional[int] = ..., tokens: _Optional[int] = ...) -> None: ...

class StreamAnswerBatchRequest(_message.Message):
    __slots__ = ("open", "sequence_ids", "tokens", "logprobs", "ends", "cached")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    open: _containers.RepeatedCompositeFieldContainer[OpenBatchAnswer]
    sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    logprobs: LogprobColumns
    ends: _containers.RepeatedCompositeFieldContainer[SequenceEnd]
    cached: _containers.RepeatedCompositeFieldContainer[CachedPrompt]
    def __init__(self, open: _Optional[_Iterable[_Union[OpenBatchAnswer, _Mapping]]] = ..., sequence_ids: _Optional[_Iterable[int]] = ..., tokens: _Optional[_Iterable[int]] = ..., logprobs: _Optional[_Union[LogprobColumns, _Mapping]] = ..., ends: _Optional[_Iterable[_Union[SequenceEnd, _Mapping]]] = ..., cached: _Optional[_Iterable[_Union[CachedPrompt, _Mapping]]] = ...) -> None: ...

class BatchAnswerEnd(_message.Message):
    __slots__ = ("answer_id", "result", "error")
    ANSWER_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    answer_id: int
    result: AnswerResult
    error: _status_pb2.Status
    def __init__(self, answer_id: _Optional[int] = ..., result: _Optional[_Union[AnswerResult, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class StreamAnswerBatchResponse(_message.Message):
    __slots__ = ("answer_ids", "frames", "stop_sequence_ids", "continue_sequence_ids", "ended")
    ANSWER_IDS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    STOP_SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_SEQUENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    answer_ids: _containers.RepeatedScalarFieldContainer[int]
    frames: _containers.RepeatedScalarFieldContainer[bytes]
    stop_sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    continue_sequence_ids: _containers.RepeatedScalarFieldContainer[int]
    ended: _containers.RepeatedCompositeFieldContainer[BatchAnswerEnd]
    def __init__(self, answer_ids: _Optional[_Iterable[int]] = ..., frames: _Optional[_Iterable[bytes]] = ..., stop_sequence_ids: _Optional[_Iterable[int]] = ..., continue_sequence_ids: _Optional[_Iterable[int]] = ..., ended: _Optional[_Iterable[_Union[BatchAnswerEnd, _Mapping]]] = ...) -> None: ...
