"""The suite tells a wrong grammar from a right one: xgrammar's own tag for harmony fails it."""

from __future__ import annotations

import json

import pytest

from harmony_server.core import HarmonyEncoding

from .matchers import Xgrammar
from .test_forms import ACCEPTED, REFUSED, REFUSED_BODIES
from .turns import WEATHER, Sampler, check_turn, first_refused, tokens_of

pytestmark = [pytest.mark.long, pytest.mark.runtimes]


def _builtin_tag(engine: Xgrammar) -> str:
    functions = [
        {"name": "get", "parameters": {"type": "object", "properties": {}}},
        {"name": "get_weather", "parameters": WEATHER},
    ]
    tools = [{"type": "function", "function": function} for function in functions]
    tag: str = engine.ask("builtin", {"tools": tools})["tag"]
    return tag


def test_the_builtin_tag_fails(newest_xgrammar: Xgrammar, encoding: HarmonyEncoding) -> None:
    """The tag refuses turns that models write, and lets malformed ones through."""
    tag = _builtin_tag(newest_xgrammar)
    assert json.loads(tag)["type"] == "structural_tag"
    written = [one for one in ACCEPTED if "to=" not in one or "functions.get_weather" in one]
    refused = [
        one
        for one in written
        if first_refused(newest_xgrammar.start_text("tag", tag), tokens_of(encoding, one))
        is not None
    ]
    assert len(refused) > len(written) / 2
    accepted = []
    for good, bad in REFUSED + REFUSED_BODIES:
        tokens = [*tokens_of(encoding, good), *tokens_of(encoding, bad)]
        if first_refused(newest_xgrammar.start_text("tag", tag), tokens) is None:
            accepted.append((good, bad))
    assert len(accepted) >= 3


def test_random_turns_of_the_builtin_tag_fail(
    newest_xgrammar: Xgrammar, encoding: HarmonyEncoding
) -> None:
    """Most turns that an adversary writes under that tag are malformed, or do not end."""
    tag = _builtin_tag(newest_xgrammar)
    wrong = 0
    for seed in range(20):
        try:
            turn = Sampler(encoding, seed).write(newest_xgrammar.start_text("tag", tag))
            assert turn is not None
            check_turn(encoding, turn)
        except Exception:
            wrong += 1
    assert wrong > 10
