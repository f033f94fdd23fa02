from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_USER: _ClassVar[Role]
    ROLE_ASSISTANT: _ClassVar[Role]
    ROLE_SYSTEM: _ClassVar[Role]
    ROLE_DEVELOPER: _ClassVar[Role]
    ROLE_TOOL: _ClassVar[Role]

class ReasoningEffort(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASONING_EFFORT_UNSPECIFIED: _ClassVar[ReasoningEffort]
    REASONING_EFFORT_LOW: _ClassVar[ReasoningEffort]
    REASONING_EFFORT_MEDIUM: _ClassVar[ReasoningEffort]
    REASONING_EFFORT_HIGH: _ClassVar[ReasoningEffort]

class BuiltinTool(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUILTIN_TOOL_UNSPECIFIED: _ClassVar[BuiltinTool]
    BUILTIN_TOOL_BROWSER: _ClassVar[BuiltinTool]
    BUILTIN_TOOL_PYTHON: _ClassVar[BuiltinTool]
ROLE_UNSPECIFIED: Role
ROLE_USER: Role
ROLE_ASSISTANT: Role
ROLE_SYSTEM: Role
ROLE_DEVELOPER: Role
ROLE_TOOL: Role
REASONING_EFFORT_UNSPECIFIED: ReasoningEffort
REASONING_EFFORT_LOW: ReasoningEffort
REASONING_EFFORT_MEDIUM: ReasoningEffort
REASONING_EFFORT_HIGH: ReasoningEffort
BUILTIN_TOOL_UNSPECIFIED: BuiltinTool
BUILTIN_TOOL_BROWSER: BuiltinTool
BUILTIN_TOOL_PYTHON: BuiltinTool

class Author(_message.Message):
    __slots__ = ("role", "name")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    role: Role
    name: str
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., name: _Optional[str] = ...) -> None: ...

class TextContent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ChannelConfig(_message.Message):
    __slots__ = ("valid_channels", "channel_required")
    VALID_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    valid_channels: _containers.RepeatedScalarFieldContainer[str]
    channel_required: bool
    def __init__(self, valid_channels: _Optional[_Iterable[str]] = ..., channel_required: bool = ...) -> None: ...

class ToolDescription(_message.Message):
    __slots__ = ("name", "description", "parameters_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters_json: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters_json: _Optional[str] = ...) -> None: ...

class ToolNamespaceConfig(_message.Message):
    __slots__ = ("name", "description", "tools", "key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    tools: _containers.RepeatedCompositeFieldContainer[ToolDescription]
    key: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[ToolDescription, _Mapping]]] = ..., key: _Optional[str] = ...) -> None: ...

class SystemContent(_message.Message):
    __slots__ = ("model_identity", "reasoning_effort", "conversation_start_date", "knowledge_cutoff", "channel_config", "tools", "builtin_tools", "no_defaults")
    MODEL_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    REASONING_EFFORT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_START_DATE_FIELD_NUMBER: _ClassVar[int]
    KNOWLEDGE_CUTOFF_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_TOOLS_FIELD_NUMBER: _ClassVar[int]
    NO_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    model_identity: str
    reasoning_effort: ReasoningEffort
    conversation_start_date: str
    knowledge_cutoff: str
    channel_config: ChannelConfig
    tools: _containers.RepeatedCompositeFieldContainer[ToolNamespaceConfig]
    builtin_tools: _containers.RepeatedScalarFieldContainer[BuiltinTool]
    no_defaults: bool
    def __init__(self, model_identity: _Optional[str] = ..., reasoning_effort: _Optional[_Union[ReasoningEffort, str]] = ..., conversation_start_date: _Optional[str] = ..., knowledge_cutoff: _Optional[str] = ..., channel_config: _Optional[_Union[ChannelConfig, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[ToolNamespaceConfig, _Mapping]]] = ..., builtin_tools: _Optional[_Iterable[_Union[BuiltinTool, str]]] = ..., no_defaults: bool = ...) -> None: ...

class ResponseFormat(_message.Message):
    __slots__ = ("name", "description", "schema_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    schema_json: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., schema_json: _Optional[str] = ...) -> None: ...

class DeveloperContent(_message.Message):
    __slots__ = ("instructions", "tools", "response_formats")
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FORMATS_FIELD_NUMBER: _ClassVar[int]
    instructions: str
    tools: _containers.RepeatedCompositeFieldContainer[ToolNamespaceConfig]
    response_formats: _containers.RepeatedCompositeFieldContainer[ResponseFormat]
    def __init__(self, instructions: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[ToolNamespaceConfig, _Mapping]]] = ..., response_formats: _Optional[_Iterable[_Union[ResponseFormat, _Mapping]]] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("text", "system", "developer")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    DEVELOPER_FIELD_NUMBER: _ClassVar[int]
    text: TextContent
    system: SystemContent
    developer: DeveloperContent
    def __init__(self, text: _Optional[_Union[TextContent, _Mapping]] = ..., system: _Optional[_Union[SystemContent, _Mapping]] = ..., developer: _Optional[_Union[DeveloperContent, _Mapping]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("author", "recipient", "content", "channel", "content_type")
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    author: Author
    recipient: str
    content: _containers.RepeatedCompositeFieldContainer[Content]
    channel: str
    content_type: str
    def __init__(self, author: _Optional[_Union[Author, _Mapping]] = ..., recipient: _Optional[str] = ..., content: _Optional[_Iterable[_Union[Content, _Mapping]]] = ..., channel: _Optional[str] = ..., content_type: _Optional[str] = ...) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ...) -> None: ...
