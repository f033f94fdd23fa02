"""The platform's part of a request."""

from dataclasses import dataclass
from enum import Enum, auto

from ..core import ReasoningEffort
from .answer_context import ReasoningField


class Unsupported(Enum):
    """What is done with a part of a request that harmony has nothing for."""

    IGNORE = auto()
    """Left out, with a notice."""
    REJECT = auto()
    """Refused."""


class ReasoningHistory(Enum):
    """Which reasoning of earlier turns is rendered."""

    CURRENT_TURN = auto()
    """As `core.AnalysisRule.CURRENT_TURN`."""
    ALL = auto()
    NONE = auto()


class ToolChoiceMethod(Enum):
    """How `tool_choice` of `required`, or of one tool, is kept to."""

    PREFILL = auto()
    """The prompt ends inside the header of the call. The model does not reason first."""
    CONTINUE = auto()
    """The model reasons; then the engine appends the header of the call and samples on."""
    HINT = auto()
    """Only the sampling hints tell the engine, which has to see to it."""
    REJECT = auto()
    """Refused."""


class NamespaceTools(Enum):
    """How the tools of a `namespace` are shown to the model."""

    NATIVE = auto()
    """As a harmony namespace of that name."""
    FLATTEN = auto()
    """In the namespace `functions`, as `NAMESPACE__NAME`."""


@dataclass(frozen=True, slots=True)
class RenderPolicy:
    """The platform's part of a request; fields are those of `harmony.openai.v1.RenderPolicy`.

    `model_identity` and `knowledge_cutoff` of None are the defaults of `core.SystemContent`;
    without `conversation_start_date` the prompt has no date.
    """

    model_identity: str | None = None
    conversation_start_date: str | None = None
    knowledge_cutoff: str | None = None
    default_reasoning_effort: ReasoningEffort = ReasoningEffort.MEDIUM
    unsupported_effort: Unsupported = Unsupported.IGNORE
    unsupported_tools: Unsupported = Unsupported.IGNORE
    reasoning_history: ReasoningHistory = ReasoningHistory.CURRENT_TURN
    tool_choice_method: ToolChoiceMethod = ToolChoiceMethod.PREFILL
    namespace_tools: NamespaceTools = NamespaceTools.FLATTEN
    reasoning_field: ReasoningField = ReasoningField.BOTH
    encrypted_reasoning: bool = True
    stores_answers: bool = False
    call_content_type: str = "json"
