"""What an answer has to know of its request: the bridge between the two halves."""

from dataclasses import dataclass, field
from enum import Enum, auto


class Api(Enum):
    """Which API an answer is for."""

    CHAT_COMPLETIONS = auto()
    RESPONSES = auto()


class ToolKind(Enum):
    """What a tool of the request is to the client."""

    FUNCTION = auto()
    """Called with JSON."""
    CUSTOM = auto()
    """Called with text."""


class ReasoningField(Enum):
    """Where a chat completion has the reasoning."""

    BOTH = auto()
    REASONING = auto()
    REASONING_CONTENT = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class AnswerHeader:
    """What the caller decides about the answer before there is one.

    `id` is the answer's, such as `chatcmpl-…` or `resp_…`; every other id in the answer is derived
    from it. `created` is in seconds since 1970. Without `model`, it is the request's.
    """

    id: str
    created: int
    model: str | None = None
    system_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool that the model may call: its names in the prompt, and its names to the client."""

    kind: ToolKind
    rendered_namespace: str
    rendered_name: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer has to know of its request.

    Fields are those of `harmony.openai.v1.AnswerContext`. Its representation leaves out the
    client's texts, so that it may be logged. `header.model` is always set: it is the
    request's where the caller gave none.
    """

    api: Api
    header: AnswerHeader
    choices: int = 1
    stream: bool = False
    include_usage: bool = False
    prompt_tokens: int = 0
    prefilled_tokens: tuple[int, ...] = ()
    tools: tuple[DeclaredTool, ...] = ()
    max_calls: int | None = None
    continue_tokens: tuple[int, ...] = ()
    json_content: bool = False
    stop: tuple[str, ...] = field(default=(), repr=False)
    logprobs: bool = False
    reasoning_field: ReasoningField = ReasoningField.BOTH
    legacy_function_call: bool = False
    encrypted_reasoning: bool = True
    echo_json: str = field(default="", repr=False)
