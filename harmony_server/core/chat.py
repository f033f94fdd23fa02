"""The chat data model: roles, contents, messages, conversations.

Names, signatures, defaults and serialised forms match the reference library, so that programs
written for it run on this package.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from . import builtin_tools


class Role(str, Enum):
    """Who wrote a message; as a key, equal to its value."""

    # Enum's own hash is not that of the equal string, and a slow Python function.
    __hash__ = str.__hash__

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    DEVELOPER = "developer"
    TOOL = "tool"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        raise ValueError(f"Unknown role: {value!r}")


class Author(BaseModel):
    """The author of a message. A tool must have a name."""

    role: Role
    name: str | None = None

    @classmethod
    def new(cls, role: Role, name: str) -> Self:
        """Returns a named author."""
        return cls(role=role, name=name)


class Content(BaseModel):
    """One part of a message's content."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the canonical JSON form, including `type`."""
        raise NotImplementedError


class TextContent(Content):
    """Plain text, in which spellings of special tokens stay text."""

    text: str

    def to_dict(self) -> dict[str, Any]:
        """Returns `{"type": "text", "text": …}`."""
        return {"type": "text", "text": self.text}


class ToolDescription(BaseModel):
    """One tool of a namespace; `parameters` is a JSON Schema, rendered in its order of keys."""

    name: str
    description: str
    parameters: dict[Any, Any] | None = None

    @classmethod
    def new(cls, name: str, description: str, parameters: dict[Any, Any] | None = None) -> Self:
        """Returns a tool."""
        return cls(name=name, description=description, parameters=parameters)


class ReasoningEffort(str, Enum):
    """How much the model should reason."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class ChannelConfig(BaseModel):
    """The channels that the prompt offers to the model."""

    valid_channels: list[str]
    channel_required: bool

    @classmethod
    def require_channels(cls, channels: list[str]) -> Self:
        """Returns a config that requires one of `channels` for every message."""
        return cls(valid_channels=channels, channel_required=True)


class ToolNamespaceConfig(BaseModel):
    """A namespace of tools."""

    name: str
    description: str | None = None
    tools: list[ToolDescription]

    @staticmethod
    def browser() -> "ToolNamespaceConfig":
        """Returns the built-in namespace `browser`."""
        return ToolNamespaceConfig.model_validate(copy.deepcopy(builtin_tools.BROWSER))

    @staticmethod
    def python() -> "ToolNamespaceConfig":
        """Returns the built-in namespace `python`."""
        return ToolNamespaceConfig.model_validate(copy.deepcopy(builtin_tools.PYTHON))


class ResponseFormat(BaseModel):
    """A format to answer in; `json_schema` is the text of a JSON Schema, an object.

    The prompt keeps the schema's order and spelling, without white space between its parts.
    """

    name: str
    json_schema: str
    description: str | None = None

    @classmethod
    def new(cls, name: str, json_schema: str, description: str | None = None) -> Self:
        """Returns a format."""
        return cls(name=name, json_schema=json_schema, description=description)


class _ToolContent(Content):
    """The common part of system and developer content: namespaces, keyed by name."""

    if TYPE_CHECKING:  # subclasses declare it, which keeps the order of their fields
        tools: dict[str, ToolNamespaceConfig] | None

    @classmethod
    def new(cls) -> Self:
        """Returns a content with the defaults."""
        return cls.from_dict({})

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Returns the content of a canonical JSON form."""
        return cls(**raw)

    def with_tools(self, ns_config: ToolNamespaceConfig) -> Self:
        """Adds a namespace, or replaces the one of the same name."""
        if self.tools is None:
            self.tools = {}
        self.tools[ns_config.name] = ns_config
        return self


class SystemContent(_ToolContent):
    """The content of a system message; fields that are None are left out of the prompt."""

    model_identity: str | None = "You are ChatGPT, a large language model trained by OpenAI."
    reasoning_effort: ReasoningEffort | None = ReasoningEffort.MEDIUM
    conversation_start_date: str | None = None
    knowledge_cutoff: str | None = "2024-06"
    channel_config: ChannelConfig | None = Field(
        default_factory=lambda: ChannelConfig.require_channels(["analysis", "commentary", "final"])
    )
    tools: dict[str, ToolNamespaceConfig] | None = None

    def with_model_identity(self, model_identity: str) -> Self:
        """Sets the first line."""
        self.model_identity = model_identity
        return self

    def with_reasoning_effort(self, reasoning_effort: ReasoningEffort) -> Self:
        """Sets the reasoning effort."""
        self.reasoning_effort = reasoning_effort
        return self

    def with_conversation_start_date(self, conversation_start_date: str) -> Self:
        """Sets the current date, which is rendered as given."""
        self.conversation_start_date = conversation_start_date
        return self

    def with_knowledge_cutoff(self, knowledge_cutoff: str) -> Self:
        """Sets the knowledge cutoff, which is rendered as given."""
        self.knowledge_cutoff = knowledge_cutoff
        return self

    def with_channel_config(self, channel_config: ChannelConfig) -> Self:
        """Sets the channels."""
        self.channel_config = channel_config
        return self

    def with_required_channels(self, channels: list[str]) -> Self:
        """Sets the channels and requires one of them for every message."""
        return self.with_channel_config(ChannelConfig.require_channels(channels))

    def with_browser_tool(self) -> Self:
        """Adds the built-in namespace `browser`."""
        return self.with_tools(ToolNamespaceConfig.browser())

    def with_python_tool(self) -> Self:
        """Adds the built-in namespace `python`."""
        return self.with_tools(ToolNamespaceConfig.python())

    def to_dict(self) -> dict[str, Any]:
        """Returns the canonical JSON form, `type` `system_content`."""
        return {**self.model_dump(exclude_none=True), "type": "system_content"}


class DeveloperContent(_ToolContent):
    """The content of a developer message. The reference has no `response_formats`."""

    instructions: str | None = None
    tools: dict[str, ToolNamespaceConfig] | None = None
    response_formats: list[ResponseFormat] | None = None

    def with_instructions(self, instructions: str) -> Self:
        """Sets the instructions."""
        self.instructions = instructions
        return self

    def with_function_tools(self, tools: Sequence[ToolDescription]) -> Self:
        """Sets the namespace `functions`."""
        return self.with_tools(ToolNamespaceConfig(name="functions", tools=list(tools)))

    def with_response_formats(self, response_formats: Sequence[ResponseFormat]) -> Self:
        """Sets the formats to answer in."""
        self.response_formats = list(response_formats)
        return self

    # Without formats, it looks like the reference's.
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (pair for pair in super().__repr_args__() if pair != ("response_formats", None))

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = dump(self)
        if self.response_formats is None:
            fields.pop("response_formats", None)
        return fields

    def to_dict(self) -> dict[str, Any]:
        """Returns the canonical JSON form, `type` `developer_content`."""
        return {**self.model_dump(exclude_none=True), "type": "developer_content"}


# By the `type` of a content in canonical JSON.
CONTENT_CLASSES: dict[str, type[Content]] = {
    "text": TextContent,
    "system_content": SystemContent,
    "developer_content": DeveloperContent,
}


def _as_content(content: str | Content) -> Content:
    return TextContent(text=content) if isinstance(content, str) else content


class Message(BaseModel):
    """One message."""

    author: Author
    content: list[Content] = Field(default_factory=list)
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    @classmethod
    def from_author_and_content(cls, author: Author, content: str | Content) -> Self:
        """Returns a message with one content."""
        return cls(author=author, content=[_as_content(content)])

    @classmethod
    def from_role_and_content(cls, role: Role, content: str | Content) -> Self:
        """Returns a message with one content from an author without a name."""
        return cls.from_author_and_content(Author(role=role), content)

    @classmethod
    def from_role_and_contents(cls, role: Role, contents: Sequence[Content]) -> Self:
        """Returns a message with several contents from an author without a name."""
        return cls(author=Author(role=role), content=list(contents))

    def adding_content(self, content: str | Content) -> Self:
        """Appends a content."""
        self.content.append(_as_content(content))
        return self

    def with_channel(self, channel: str) -> Self:
        """Sets the channel."""
        self.channel = channel
        return self

    def with_recipient(self, recipient: str) -> Self:
        """Sets the recipient."""
        self.recipient = recipient
        return self

    def with_content_type(self, content_type: str) -> Self:
        """Sets the content type."""
        self.content_type = content_type
        return self

    def to_dict(self) -> dict[str, Any]:
        """Returns the canonical JSON form."""
        optional = {
            "channel": self.channel,
            "recipient": self.recipient,
            "content_type": self.content_type,
        }
        return {
            **self.author.model_dump(),
            "content": [content.to_dict() for content in self.content],
            **{key: value for key, value in optional.items() if value is not None},
        }

    def to_json(self) -> str:
        """Returns the canonical JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Returns the message of a canonical JSON form, whose content may be a plain string.

        Raises:
            KeyError: `role` or `content` is missing.
            ValueError: An unknown role or content type, or (pydantic's ValidationError) a field
                of the wrong type.
        """
        return read_message(cls, data, _ReferencePartReader())


class Conversation(BaseModel):
    """A list of messages, oldest first."""

    messages: list[Message] = Field(default_factory=list)

    @classmethod
    def from_messages(cls, messages: Sequence[Message]) -> Self:
        """Returns a conversation."""
        return cls(messages=list(messages))

    def __iter__(self) -> Iterator[Message]:  # type: ignore[override]  # as the reference has it
        return iter(self.messages)

    def to_dict(self) -> dict[str, Any]:
        """Returns the canonical JSON form."""
        return {"messages": [message.to_dict() for message in self.messages]}

    def to_json(self) -> str:
        """Returns the canonical JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, payload: str) -> Self:
        """Returns the conversation of a canonical JSON text.

        Raises:
            KeyError: A required key is missing.
            ValueError: Not JSON, an unknown role or content type, or (pydantic's ValidationError)
                a field of the wrong type.
        """
        return read_conversation(cls, json.loads(payload), _ReferencePartReader())


# Reading canonical JSON

Place = tuple[str | int, ...]
_PartT = TypeVar("_PartT")
_MessageT = TypeVar("_MessageT", bound=Message)
_ConversationT = TypeVar("_ConversationT", bound=Conversation)


class PartReader(Protocol):
    """How a part of canonical JSON is checked and built.

    `place` leads from the outermost value to the part, by keys and indices.
    """

    def member(self, data: Any, key: str, place: Place) -> Any:
        """Returns a required member of the object at `place`."""

    def part(self, wanted: type[_PartT], value: Any, place: Place) -> _PartT:
        """Returns the role, the content, or the plain value (a list or a string) at `place`."""


def read_conversation(
    conversation_class: type[_ConversationT], data: Any, reader: PartReader
) -> _ConversationT:
    """Builds a conversation from a canonical JSON value, whose parts `reader` reads."""
    items = reader.part(list, reader.member(data, "messages", ()), ("messages",))
    messages = [
        read_message(Message, item, reader, ("messages", index)) for index, item in enumerate(items)
    ]
    return conversation_class(messages=messages)


def read_message(
    message_class: type[_MessageT], data: Any, reader: PartReader, place: Place = ()
) -> _MessageT:
    """Builds a message from a canonical JSON value, whose parts `reader` reads."""

    def optional_text(key: str) -> str | None:
        value = data.get(key)
        return None if value is None else reader.part(str, value, (*place, key))

    role = reader.part(Role, reader.member(data, "role", place), (*place, "role"))
    message = message_class(author=Author(role=role, name=optional_text("name")))
    contents = reader.member(data, "content", place)
    if isinstance(contents, str):
        contents = [{"type": "text", "text": contents}]
    content_place = (*place, "content")
    for index, item in enumerate(reader.part(list, contents, content_place)):
        message.content.append(reader.part(Content, item, (*content_place, index)))
    message.channel = optional_text("channel")
    message.recipient = optional_text("recipient")
    message.content_type = optional_text("content_type")
    return message


class _ReferencePartReader:
    """Checks what the reference checks, and raises what it raises: without the place."""

    def member(self, data: Any, key: str, place: Place) -> Any:  # noqa: ARG002
        return data[key]

    def part(self, wanted: type[_PartT], value: Any, place: Place) -> Any:  # noqa: ARG002
        if wanted is Role:
            return Role(value)
        if wanted is Content:
            content_class = CONTENT_CLASSES.get(value.get("type"))
            if content_class is None:
                raise ValueError(f"Unknown content variant: {value}")
            return content_class(**value)
        # Lists and strings may be anything.
        return value
