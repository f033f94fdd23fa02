"""The input of a custom tool, which the model writes as a function's arguments."""

import json


def custom_input(arguments: str) -> str:
    """Returns the string `input` of the arguments, or else the arguments as written."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    found = value.get("input") if isinstance(value, dict) else None
    return found if isinstance(found, str) else arguments
