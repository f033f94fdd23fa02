"""What only xgrammar has: structural tags, and stop tokens in the grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony_server.core import HarmonyEncoding
from harmony_server.core.constraints import (
    ConstraintFormat,
    SamplingConstraintOptions,
    build_sampling_constraint,
)
from harmony_server.core.tokenizer import CALL, RETURN

from .matchers import END_OF_TEXT, Xgrammar
from .test_forms import ACCEPTED, REFUSED, REFUSED_BODIES
from .turns import conversation, first_refused, tokens_of

pytestmark = [pytest.mark.long, pytest.mark.runtimes]


@pytest.mark.parametrize("name", ["oldest_xgrammar", "newest_xgrammar"])
def test_a_structural_tag_is_the_same_constraint(
    name: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding
) -> None:
    """Turns are accepted and refused as with the EBNF alone."""
    engine: Xgrammar = request.getfixturevalue(name)
    tag = build_sampling_constraint(
        conversation(), ConstraintFormat.XGRAMMAR_STRUCTURAL_TAG, encoding=encoding
    )
    for written in ACCEPTED:
        assert first_refused(engine.start(tag), tokens_of(encoding, written)) is None, written
    for good, bad in REFUSED + REFUSED_BODIES:
        prefix = tokens_of(encoding, good)
        tokens = [*prefix, *tokens_of(encoding, bad)]
        assert first_refused(engine.start(tag), tokens) == len(prefix), (good, bad)


def test_stop_tokens_in_the_grammar(
    newest_xgrammar: Xgrammar, encoding: HarmonyEncoding, tmp_path: Path
) -> None:
    """A matcher that is told no stop token of harmony takes each turn to its own stop token."""
    constraint = build_sampling_constraint(
        conversation(),
        ConstraintFormat.XGRAMMAR_EBNF,
        SamplingConstraintOptions(stop_tokens_in_grammar=True),
        encoding=encoding,
    )
    engine = Xgrammar(newest_xgrammar.python, tmp_path, "xgrammar", (END_OF_TEXT,))
    try:
        for written, other in (
            ("<|channel|>final<|message|>Hi<|return|>", CALL),
            ("<|channel|>commentary to=functions.get json<|message|>{}<|call|>", RETURN),
        ):
            tokens = tokens_of(encoding, written)
            assert first_refused(engine.start(constraint), tokens) is None
            refused = first_refused(engine.start(constraint), [*tokens[:-1], other])
            assert refused == len(tokens) - 1
    finally:
        engine.close()
