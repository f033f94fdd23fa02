"""How much the model should reason."""

from typing import Final

from ...core import ReasoningEffort
from ..notices import NoticeReason
from ..render_policy import RenderPolicy, Unsupported
from .fields import Field
from .notice_log import NoticeLog

_EFFORTS: Final = {
    "low": ReasoningEffort.LOW,
    "medium": ReasoningEffort.MEDIUM,
    "high": ReasoningEffort.HIGH,
}
# What harmony does not have, with the nearest that it has.
_NEAREST: Final = {
    "none": ReasoningEffort.LOW,
    "minimal": ReasoningEffort.LOW,
    "xhigh": ReasoningEffort.HIGH,
    "max": ReasoningEffort.HIGH,
}


def read_effort(body: Field, policy: RenderPolicy, notices: NoticeLog) -> ReasoningEffort:
    """Returns the first effort that the request has, or the policy's.

    Raises:
        RequestBodyError: An unknown effort, or one that the policy rejects.
    """
    candidates = [body.member("reasoning_effort")]
    for parent in (body.member("reasoning"), body.member("chat_template_kwargs")):
        if not parent.is_missing:
            name = "effort" if parent.name == "reasoning" else "reasoning_effort"
            candidates.append(parent.member(name))
    for field in candidates:
        if not field.is_missing:
            return _convert(field, policy, notices)
    return policy.default_reasoning_effort


def _convert(field: Field, policy: RenderPolicy, notices: NoticeLog) -> ReasoningEffort:
    asked = field.text()
    if asked in _EFFORTS:
        return _EFFORTS[asked]
    if asked not in _NEAREST or policy.unsupported_effort is Unsupported.REJECT:
        raise field.invalid("must be low, medium or high", code="unsupported_value")
    nearest = _NEAREST[asked]
    notices.add(
        NoticeReason.EFFORT_CHANGED, field, f"is {asked}, rendered as {nearest.value.lower()}"
    )
    return nearest
