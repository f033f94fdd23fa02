"""docs/openai-requests.md names everything that the code knows."""

import re
from pathlib import Path

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.request_errors import BodyErrorReason
from harmony_server.openai.requests import (
    bounds,
    chat_completion,
    model_response,
    response_items,
)

_PAGE = (Path(__file__).parents[3] / "docs" / "openai-requests.md").read_text(encoding="utf-8")


def _section(begin: str, end: str) -> set[str]:
    """Returns the names in the first column of the tables between two lines."""
    part = _PAGE[_PAGE.index(begin) : _PAGE.index(end)]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Za-z_]+)", row)}


def test_every_member_has_its_row() -> None:
    """And no row is left of one that is gone."""
    both = _section("Both APIs:", "Chat Completions only:")
    chat = _section("Chat Completions only:", "Responses only:")
    responses = _section("Responses only:", "The echo repeats")
    # What both have, but do not treat alike, stands in both other tables.
    shared = chat_completion.KNOWN_MEMBERS & model_response.KNOWN_MEMBERS
    assert shared == both | {"metadata", "store", "stream_options"}
    assert chat | both == chat_completion.KNOWN_MEMBERS
    assert responses | both == model_response.KNOWN_MEMBERS


def test_every_item_has_its_row() -> None:
    """Rendered, left out or refused."""
    named = _section("## Items of the Responses API", "**History**")
    spelled = {name.removesuffix("_output") for name in response_items.REFUSED_TYPES}
    assert spelled | response_items.SKIPPED_TYPES <= named
    assert set(response_items.RENDERED_TYPES) <= named


def test_every_reason_has_its_row() -> None:
    """Of notices and of errors."""
    assert _section("## Notices", "## Refusals") == {reason.name for reason in NoticeReason}
    assert _section("## Refusals", "| limit |") == {reason.value for reason in BodyErrorReason}


def test_every_limit_has_its_row() -> None:
    """With its value."""
    rows = dict(re.findall(r"\| `(MAX_[A-Z_]+)` \| ([\d,]+) \|", _PAGE))
    values = {name: int(value.replace(",", "")) for name, value in rows.items()}
    limits = {name: value for name, value in vars(bounds).items() if name.startswith("MAX_")}
    assert limits.items() >= values.items()
    # The others are in sentences, or change nothing that a client sees.
    assert limits.keys() - values.keys() == {
        "MAX_NOTICES",
        "MAX_PLACE_NAME_CHARACTERS",
        "MAX_TOP_LOGPROBS",
        "MAX_UNPACKED_BYTES",
    }
    assert f"{bounds.MAX_UNPACKED_BYTES:,}" in _PAGE
    assert f"After {bounds.MAX_NOTICES} notices" in _PAGE
