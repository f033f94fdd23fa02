"""What an answer refuses to begin with."""

import json

from ..answer_context import AnswerContext, Api
from .errors import AnswerInputError

# Members of a Response object that the answer sets.
OWN_MEMBERS = frozenset(
    {"id", "object", "created_at", "model", "status", "error", "incomplete_details", "output"}
    | {"usage"}
)


def check_context(context: AnswerContext) -> None:
    """Checks what only a caller that writes a context by hand can get wrong.

    Raises:
        AnswerInputError: The context cannot be meant; reason INVALID_CONTEXT.
    """
    if context.choices < 1:
        raise _invalid("choices", "must be at least 1")
    if not context.header.id:
        raise _invalid("header.id", "must not be empty")
    if not all(context.stop):
        raise _invalid("stop", "must have no empty string")
    if context.api is Api.RESPONSES and context.choices != 1:
        raise _invalid("choices", "must be 1 for a response")
    echo = read_echo(context)
    if not OWN_MEMBERS.isdisjoint(echo):
        raise _invalid("echo_json", "must not have members that the answer sets")


def read_echo(context: AnswerContext) -> dict[str, object]:
    """Returns the members that repeat the request.

    Raises:
        AnswerInputError: They are not an object in JSON.
    """
    if not context.echo_json:
        return {}
    try:
        echo = json.loads(context.echo_json)
    except (ValueError, RecursionError):
        raise _invalid("echo_json", "must be JSON") from None
    if not isinstance(echo, dict):
        raise _invalid("echo_json", "must be an object")
    return echo


def _invalid(field: str, message: str) -> AnswerInputError:
    return AnswerInputError(f"context.{field}", message, "INVALID_CONTEXT")
