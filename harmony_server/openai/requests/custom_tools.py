"""Custom tools, which are called with text: to the model they are functions of one string."""

import json
from collections.abc import Mapping
from typing import Any, Final

from .fields import Field

CUSTOM_PARAMETERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


def custom_arguments(text: str) -> str:
    """Returns the arguments of a call with this input, as JSON."""
    return json.dumps({"input": text}, ensure_ascii=False, separators=(",", ":"))


def custom_description(tool: Field) -> str:
    """Returns the description of a custom tool, with the grammar of its input below it."""
    parts = [tool.member("description").optional_text()]
    input_format = tool.member("format")
    if not input_format.is_missing:
        kind = input_format.member("type")
        if kind.text() == "grammar":
            syntax = input_format.member("syntax").text()
            definition = input_format.member("definition").text()
            parts.append(f"The input must match this grammar ({syntax}):\n{definition}")
        elif kind.text() != "text":
            raise kind.invalid("must be text or grammar")
    return "\n".join(filter(None, parts))
