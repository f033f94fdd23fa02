"""What the requests of both APIs have in common, put together as a plan."""

from dataclasses import dataclass, replace
from typing import Final

from ...core import AnalysisRule, ReasoningEffort, ResponseFormat, SystemContent
from ..answer_context import AnswerContext
from ..notices import NoticeReason
from ..prompt import PromptPlan, Sampling
from ..render_policy import ReasoningHistory, RenderPolicy, ToolChoiceMethod
from .call_start import ASSISTANT_START, call_start
from .constraints import constraints_json
from .notice_log import NoticeLog
from .tool_choice import ToolChoice
from .tools import Tools
from .transcript import Transcript

ANALYSIS_RULES: Final = {
    ReasoningHistory.ALL: AnalysisRule.KEEP,
    ReasoningHistory.CURRENT_TURN: AnalysisRule.CURRENT_TURN,
    ReasoningHistory.NONE: AnalysisRule.NONE,
}


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What was read of a request.

    Attributes:
        effort: How much the model should reason.
        model_identity: The first line of the prompt, or None for the default.
        tools: Its tools.
        choice: What it says about calls.
        response_format: The format of the answer, or None.
        transcript: Its messages.
        analysis: Which reasoning stays.
        sampling: What it says about sampling, without constraints.
        context: For the answer, without what follows from the others.
    """

    effort: ReasoningEffort
    model_identity: str | None
    tools: Tools
    choice: ToolChoice
    response_format: ResponseFormat | None
    transcript: Transcript
    analysis: AnalysisRule
    sampling: Sampling
    context: AnswerContext


def make_plan(request: ReadRequest, policy: RenderPolicy, notices: NoticeLog) -> PromptPlan:
    """Returns the plan of a request that has been read.

    Raises:
        RequestBodyError: A call is required, and the policy rejects that.
    """
    choice = request.choice
    method = policy.tool_choice_method
    if choice.forced and method is ToolChoiceMethod.REJECT:
        raise choice.field.invalid("must be auto or none", code="unsupported_value")
    hinted = bool(choice.forced) and method is ToolChoiceMethod.HINT
    if hinted:
        notices.add(
            NoticeReason.NOT_ENFORCED, choice.field, "is a hint; only the engine can guarantee it"
        )
    start = ""
    if choice.forced:
        start = call_start([request.tools.rendered_name(tool) for tool in choice.forced])
    continues = method is ToolChoiceMethod.CONTINUE
    messages = request.transcript.close(
        _system_content(request, policy),
        request.tools.describe(choice.rendered),
        request.response_format,
    )
    return PromptPlan(
        messages=messages,
        analysis=request.analysis,
        prefill=start if method is ToolChoiceMethod.PREFILL else "",
        continuation=ASSISTANT_START + start if start and continues else "",
        stream=request.context.stream,
        sampling=replace(
            request.sampling,
            constraints_json=constraints_json(
                request.response_format, request.tools, choice, hinted
            ),
        ),
        context=replace(
            request.context,
            tools=request.tools.declare(choice.rendered),
            json_content=request.response_format is not None,
        ),
        notices=notices.close(),
    )


def _system_content(request: ReadRequest, policy: RenderPolicy) -> SystemContent:
    system = SystemContent(
        reasoning_effort=request.effort, conversation_start_date=policy.conversation_start_date
    )
    identity = request.model_identity or policy.model_identity
    if identity is not None:
        system.model_identity = identity
    if policy.knowledge_cutoff is not None:
        system.knowledge_cutoff = policy.knowledge_cutoff
    return system
