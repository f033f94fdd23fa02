"""Malformed outputs whose meaning is plain, from cases.json: every way to parse gives it."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from harmony_server.core import ParseOptions, Role
from harmony_server.core.events import Event
from tests.support.encodings import encoding, tokens_of

from .meaning import Meaning, is_meant, meaning_of

CASES = json.loads((Path(__file__).parent / "cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_the_meaning_is_found(case: dict[str, Any]) -> None:
    """Whole, token by token and cut at random, each output gives what was meant."""
    role = Role(case["role"]) if case["role"] else None
    meant = Meaning(case["reasoning"], case["content"], case["calls"], case.get("loose", []))
    tokens = tokens_of(case["text"])
    drawn = random.Random(case["text"])
    sizes = [[len(tokens)], [1] * len(tokens)]
    sizes += [[drawn.randint(1, 5) for _ in tokens] for _ in range(5)]
    for cut in sizes:
        parser = encoding().new_parser(role, ParseOptions(recover=True))
        events: list[Event] = []
        begin = 0
        for size in cut:
            parser.feed(tokens[begin : begin + size], events)
            begin += size
        parser.finish(events)
        assert is_meant(meaning_of(events), meant), meaning_of(events)
