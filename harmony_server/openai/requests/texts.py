"""Text from strings and from lists of parts."""

from collections.abc import Mapping
from typing import Final

from ..request_errors import BodyErrorReason
from .fields import Field
from .notice_log import NoticeLog

# By the type of a part, the member that has its text.
CHAT_PARTS: Final = {"text": "text", "refusal": "refusal"}
ITEM_PARTS: Final = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
}
# Clients send back what an answer's parts have beside their text.
_KNOWN_MEMBERS: Final = frozenset({"type", "text", "refusal", "annotations", "logprobs"})


def read_text(content: Field, part_members: Mapping[str, str], notices: NoticeLog) -> str:
    """Returns the text of a content: a string, or parts, with nothing put between them.

    Raises:
        RequestBodyError: A part that is no text.
    """
    if isinstance(content.value, str):
        return content.value
    if content.is_missing or not isinstance(content.value, list):
        content.text()
    return "".join(_part_text(part, part_members, notices) for part in content.elements())


def _part_text(part: Field, part_members: Mapping[str, str], notices: NoticeLog) -> str:
    kind = part.member("type")
    member = part_members.get(kind.text())
    if member is None:
        raise kind.invalid(
            f"must be {' or '.join(part_members)}: only text can be rendered",
            reason=BodyErrorReason.UNSUPPORTED_CONTENT,
        )
    notices.add_ignored_members(part, _KNOWN_MEMBERS)
    return part.member(member).text()
