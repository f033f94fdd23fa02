"""Members of a Response object that repeat the request."""

from typing import Final

from ...core import ReasoningEffort
from ..render_policy import RenderPolicy
from .fields import Field, Json
from .json_output import to_json

# As the client wrote them, or else these.
_DEFAULTS: Final[dict[str, Json]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
}


def echo_json(body: Field, effort: ReasoningEffort, policy: RenderPolicy) -> str:
    """Returns the members as one JSON object.

    Args:
        body: A body that has been checked.
        effort: What was rendered.
        policy: Says whether the caller stores answers.
    """
    members: dict[str, Json] = {}
    for name, default in _DEFAULTS.items():
        value = body.value.get(name)
        members[name] = default if value is None else value
    if "format" not in members["text"]:
        members["text"] = {**_DEFAULTS["text"], **members["text"]}
    members["reasoning"] = {"effort": effort.value.lower(), "summary": None}
    stores = body.value.get("store")
    members["store"] = policy.stores_answers and stores is not False
    members["truncation"] = "disabled"
    conversation = body.value.get("conversation")
    if conversation is not None:
        is_id = isinstance(conversation, str)
        members["conversation"] = {"id": conversation} if is_id else conversation
    return to_json(members)
