"""Constrained sampling that a request asks for, in terms of what the model writes."""

import json

from ...core import ResponseFormat
from .json_output import to_json
from .tool_choice import ToolChoice
from .tools import Tools


def constraints_json(
    response_format: ResponseFormat | None,
    tools: Tools,
    choice: ToolChoice,
    hinted: bool,
) -> str | None:
    """Returns the constraints as a JSON object, or None if there are none.

    Its members: `response_schema`, a JSON Schema of the answer's text; `strict_tools`, an object
    with the schema of the arguments by the recipient of the calls; `tool_choice`, the recipients
    of which one must be called.

    Args:
        response_format: The format of the answer.
        tools: The tools of the request.
        choice: Which of them the model sees and has to call.
        hinted: Whether a call is required, and the engine has to see to it.
    """
    members = []
    if response_format is not None:
        members.append(f'"response_schema":{response_format.json_schema}')
    strict = [
        f"{json.dumps(tools.rendered_name(tool).recipient)}:{to_json(tool.parameters or {})}"
        for tool in choice.rendered
        if tool.strict
    ]
    if strict:
        members.append(f'"strict_tools":{{{",".join(strict)}}}')
    if hinted:
        recipients = [tools.rendered_name(tool).recipient for tool in choice.forced]
        members.append(f'"tool_choice":{json.dumps(recipients, separators=(",", ":"))}')
    return f"{{{','.join(members)}}}" if members else None
