"""`chat_template_kwargs`: what other servers pass to their chat templates."""

from typing import Final

from .fields import Field
from .notice_log import NoticeLog

_READ: Final = frozenset({"model_identity", "reasoning_effort"})


def read_model_identity(body: Field, notices: NoticeLog) -> str | None:
    """Returns the first line of the prompt that the request asks for, or None.

    Of the other arguments only `reasoning_effort` is read, elsewhere; the rest gets notices.
    """
    arguments = body.member("chat_template_kwargs")
    if arguments.is_missing:
        return None
    notices.add_ignored_members(arguments, _READ)
    return arguments.member("model_identity").optional_text() or None
