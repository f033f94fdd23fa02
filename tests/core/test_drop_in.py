"""What programs written for the reference do with its objects, beyond calling them."""

import inspect
import weakref

import openai_harmony  # type: ignore[import-untyped]  # has no types
import pytest

from harmony_server import core
from harmony_server.core.errors import SpecialTokenError
from tests.support.encodings import encoding


def test_every_function_and_class_of_the_reference() -> None:
    """Every public function and class that the reference defines exists here."""
    theirs = {
        name
        for name, value in vars(openai_harmony).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == "openai_harmony"
        if inspect.isclass(value) or inspect.isfunction(value)
    }
    assert "raise_disallowed_special_token" in theirs
    assert [name for name in sorted(theirs) if not hasattr(core, name)] == []


def test_raise_disallowed_special_token() -> None:
    """`raise_disallowed_special_token` raises the error that `encode` raises."""
    with pytest.raises(core.HarmonyError) as theirs:
        encoding().encode("<|end|>")
    with pytest.raises(SpecialTokenError) as ours:
        core.raise_disallowed_special_token("<|end|>")
    assert str(ours.value) == str(theirs.value)
    assert ours.value.spelling == "<|end|>"
    with pytest.raises(openai_harmony.HarmonyError) as reference:
        openai_harmony.raise_disallowed_special_token("<|end|>")
    phrase = "Encountered text corresponding to disallowed special token '<|end|>'."
    assert str(ours.value).startswith(phrase)
    assert str(reference.value).startswith(phrase)


def test_attributes_of_a_streaming_parser() -> None:
    """A caller may hang its own attributes on a streaming parser."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    parser.request_id = 7  # type: ignore[attr-defined]
    assert vars(parser) == {"request_id": 7}


def test_weak_references_to_a_streaming_parser() -> None:
    """A weak reference to a streaming parser ends with it."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    reference = weakref.ref(parser)
    assert reference() is parser
    del parser
    assert reference() is None


def test_tokens_are_a_copy() -> None:
    """A list that `tokens` returned stays as it was."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    tokens = parser.process(200005).tokens
    parser.process(35644)
    tokens.append(1)
    assert parser.tokens == [200005, 35644]
