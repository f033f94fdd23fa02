"""The choices of a caller, what it gets, and what the result does not enforce."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..bounds import DEFAULT_MAX_CONSTRAINT_BYTES, MAX_SCHEMA_NODES
from ..errors import ConstraintLimitError

# Parts of schemas and of grammars; each takes some microseconds.
_SPENT_BETWEEN_CHECKPOINTS = 256


class ConstraintFormat(str, Enum):
    """The formats in which a constraint is written, by the engine that reads it."""

    XGRAMMAR_EBNF = "xgrammar-ebnf"
    XGRAMMAR_STRUCTURAL_TAG = "xgrammar-structural-tag"
    LLGUIDANCE_LARK = "llguidance-lark"
    LLAMA_GBNF = "llama-gbnf"
    TOKEN_AUTOMATON = "token-automaton"


class ConstraintLevel(str, Enum):
    """How much of a turn is constrained.

    Attributes:
        STRUCTURE: Headers are well-formed; recipients and bodies are free.
        TOOLS: In addition, recipients are declared, and the bodies of calls are JSON objects.
        SCHEMAS: In addition, bodies fit their JSON Schemas.
    """

    STRUCTURE = "structure"
    TOOLS = "tools"
    SCHEMAS = "schemas"


class ToolChoiceMode(str, Enum):
    """Whether the turn may, must not, or must end with a call."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


class HeaderForms(str, Enum):
    """Which spellings of a call's header are allowed.

    Attributes:
        TRAINED: Every form that models and renderers are seen to write.
        CANONICAL: The forms that rendering writes.
    """

    TRAINED = "trained"
    CANONICAL = "canonical"


class ReasoningMode(str, Enum):
    """Whether messages on channel `analysis` are allowed."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class SamplingConstraintOptions:
    """What a turn may be.

    Attributes:
        tool_choice: Whether the turn may end with a call.
        allowed_recipients: The recipients that may be called; empty: all that are declared.
        response_schema_json: The JSON Schema of the answer; None: the answer is text.
        level: How much is constrained. None: schemas; for a token automaton, tools.
        header_forms: The spellings of a call's header.
        reasoning: Whether messages on channel `analysis` are allowed.
        no_preambles: Forbid messages on channel `commentary` that are no calls.
        max_messages_before_last: The most messages before the answer or the call; from 0 to
            MAX_MESSAGES_BEFORE_LAST.
        prefill: The tokens that the prompt has behind `<|start|>assistant`.
        open_objects: Allow further properties where a schema with `properties` does not say.
        strict_schemas: Refuse a schema that cannot be enforced at all, instead of allowing any
            object.
        max_json_whitespace: The most white-space characters between two parts of a JSON value;
            from 0 to MAX_JSON_WHITESPACE.
        stop_tokens_in_grammar: Let the grammar end with the stop token, for a matcher that is told
            no stop token of harmony.
        vocabulary_size: The number of the engine's token ids that have a name.
    """

    tool_choice: ToolChoiceMode = ToolChoiceMode.AUTO
    allowed_recipients: tuple[str, ...] = ()
    response_schema_json: str | None = None
    level: ConstraintLevel | None = None
    header_forms: HeaderForms = HeaderForms.TRAINED
    reasoning: ReasoningMode = ReasoningMode.ALLOWED
    no_preambles: bool = False
    max_messages_before_last: int = 16
    prefill: tuple[int, ...] = ()
    open_objects: bool = False
    strict_schemas: bool = False
    max_json_whitespace: int = 32
    stop_tokens_in_grammar: bool = False
    vocabulary_size: int = 200_019


class NoticeReason(str, Enum):
    """Why a constraint enforces less than the request says.

    Attributes:
        KEYWORD_NOT_ENFORCED: A keyword of a JSON Schema is ignored.
        LENGTH_NOT_ENFORCED: A bound on a length or a number of items is too large to enforce.
        SCHEMA_NOT_ENFORCED: A schema cannot be enforced; any JSON object fits, or any JSON value
            as the answer.
        ONE_OF_AS_ANY_OF: `oneOf` is enforced as `anyOf`.
        DUPLICATE_TOOL: The recipient was declared before; this declaration counts.
        BODIES_NOT_ENFORCED: The format constrains headers alone.
    """

    KEYWORD_NOT_ENFORCED = "keyword-not-enforced"
    LENGTH_NOT_ENFORCED = "length-not-enforced"
    SCHEMA_NOT_ENFORCED = "schema-not-enforced"
    ONE_OF_AS_ANY_OF = "one-of-as-any-of"
    DUPLICATE_TOOL = "duplicate-tool"
    BODIES_NOT_ENFORCED = "bodies-not-enforced"


class ConstraintNotice(NamedTuple):
    """Something that a constraint does not enforce.

    Attributes:
        reason: The reason.
        field: The path of the field that asks for it, or an empty string.
        pointer: The JSON pointer to the part of the schema, or an empty string.
        keyword: The keyword of the schema, or an empty string.
    """

    reason: NoticeReason
    field: str = ""
    pointer: str = ""
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class TokenAutomaton:
    """A deterministic automaton over token ids; state 0 is the first.

    Attributes:
        edge_offsets: The edges of state `s` are those from `edge_offsets[s]` up to, without,
            `edge_offsets[s + 1]`.
        edge_tokens: The token of each edge; ascending within a state.
        edge_targets: The state that each edge leads to.
        text_states: The states in which every ordinary token is allowed too, and keeps the state.
        accepting_states: The states in which the turn may end.
    """

    edge_offsets: tuple[int, ...]
    edge_tokens: tuple[int, ...]
    edge_targets: tuple[int, ...]
    text_states: tuple[int, ...]
    accepting_states: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SamplingConstraint:
    """What keeps a sampler from writing malformed harmony.

    Attributes:
        grammar: The grammar, or None for a token automaton.
        automaton: The token automaton, or None.
        sha256: The SHA-256 of the constraint, in hexadecimal: of the grammar in UTF-8, or of the
            columns of the automaton.
        stop_tokens: The tokens that the engine must stop at.
        notices: What is not enforced.
    """

    grammar: str | None
    automaton: TokenAutomaton | None
    sha256: str
    stop_tokens: tuple[int, ...]
    notices: tuple[ConstraintNotice, ...]


@dataclass(slots=True)
class Budget:
    """Counts the work of one build against its limits.

    Attributes:
        max_bytes: The most bytes of the constraint and its notices.
        max_nodes: The most parts of JSON Schemas, over all tools.
        checkpoint: Called again and again during the build; what it raises ends the build.
        notices: The notices so far.
    """

    max_bytes: int = DEFAULT_MAX_CONSTRAINT_BYTES
    max_nodes: int = MAX_SCHEMA_NODES
    checkpoint: Callable[[], None] = lambda: None
    notices: list[ConstraintNotice] = field(default_factory=list)
    _bytes: int = 0
    _nodes: int = 0
    _until_checkpoint: int = _SPENT_BETWEEN_CHECKPOINTS

    def spend_bytes(self, count: int) -> None:
        """Counts bytes of the constraint.

        Raises:
            ConstraintLimitError: There are too many.
        """
        self._bytes += count
        self._count_down()
        if self._bytes > self.max_bytes:
            raise ConstraintLimitError("max_constraint_bytes", self.max_bytes)

    def spend_nodes(self, count: int = 1) -> None:
        """Counts parts of a schema.

        Raises:
            ConstraintLimitError: There are too many.
        """
        self._nodes += count
        self._count_down()
        if self._nodes > self.max_nodes:
            raise ConstraintLimitError("max_schema_nodes", self.max_nodes)

    def _count_down(self) -> None:
        self._until_checkpoint -= 1
        if not self._until_checkpoint:
            self._until_checkpoint = _SPENT_BETWEEN_CHECKPOINTS
            self.checkpoint()

    def notify(
        self, reason: NoticeReason, field: str = "", pointer: str = "", keyword: str = ""
    ) -> None:
        """Adds a notice, once.

        Raises:
            ConstraintLimitError: The notices are too large.
        """
        self.spend_bytes(len(field) + len(pointer) + len(keyword))
        self.notices.append(ConstraintNotice(reason, field, pointer, keyword))
