"""`item_reference`: items that the caller remembers."""

from collections.abc import Iterable, Sequence
from typing import Final

from ..notices import NoticeReason
from ..request_errors import BodyErrorReason
from .fields import Field
from .notice_log import NoticeLog
from .response_items import item_type

_REFERENCE: Final = "item_reference"
_REASONING_PREFIX: Final = "rs_"


def resolve_references(
    items: Sequence[Field], history: Iterable[Field], notices: NoticeLog
) -> list[Field]:
    """Returns the items, with what the history has in the place of each reference.

    A reference to reasoning that the history does not have is left out.

    Raises:
        RequestBodyError: A reference to something else that it does not have, or a second one to
            the same item.
    """
    if not any(item_type(item) == _REFERENCE for item in items):
        return list(items)
    remembered = {
        item.member("id").value: item
        for item in history
        if item_type(item) != _REFERENCE and isinstance(item.member("id").value, str)
    }
    resolved = []
    used: set[str] = set()
    for item in items:
        if item_type(item) != _REFERENCE:
            resolved.append(item)
            continue
        name = item.member("id")
        if name.text() in used:
            raise name.invalid("is the id of an item that is there already")
        used.add(name.text())
        found = remembered.get(name.text())
        if found is not None:
            resolved.append(found)
        elif name.text().startswith(_REASONING_PREFIX):
            notices.add(NoticeReason.ITEM_IGNORED, item, "is not in the history")
        else:
            raise name.invalid(
                "is not the id of an item in the history",
                reason=BodyErrorReason.UNKNOWN_REFERENCE,
            )
    return resolved
