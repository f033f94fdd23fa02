"""Which turns the engines accept, and at which token they refuse others."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from harmony_server.core import Author, HarmonyEncoding, Message, Role, TextContent
from harmony_server.core.constraints import (
    ConstraintFormat,
    HeaderForms,
    SamplingConstraint,
    SamplingConstraintOptions,
    build_sampling_constraint,
)
from harmony_server.core.tokenizer import CALL, RETURN

from .engines import ENGINES
from .matchers import Engine, Matcher
from .turns import check_turn, conversation, first_refused, tokens_of

ARGUMENTS: dict[str, Any] = {
    "functions.get": {},
    "functions.get_weather": {
        "city": "São Paulo",
        "unit": "celsius",
        "days": [1, 2],
        "near": {"lat": -23.5, "long": -46},
    },
    "functions.search": {"query": "a|b", "filter": {"all": [{"all": []}]}, "page": None},
    "functions.free": {"a": {"b": ["<|", "<b>", "a <| b", 1e3]}, "c": True},
    "files.open": {"path": "/tmp/ü"},
    "browser.search": {"query": "weather", "topn": 3},
    "browser.open": {"id": "https://example.com", "loc": 0},
}
FUNCTION_TYPES = (" <|constrain|>json", "<|constrain|>json", " json", " code", "")
BUILTIN_TYPES = (" code", " <|constrain|>code", "")
REASONING = "<|channel|>analysis<|message|>Let me think: a < b.<|end|><|start|>assistant"
PREAMBLE = "<|channel|>commentary<|message|>I look it up.<|end|><|start|>assistant"


def calls() -> Iterator[str]:
    """Yields calls in every header form."""
    for recipient, arguments in ARGUMENTS.items():
        types = BUILTIN_TYPES if recipient.startswith("browser") else FUNCTION_TYPES
        compact = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        bodies = [compact, json.dumps(arguments, indent=2, ensure_ascii=False)]
        for channel in ("commentary", "analysis"):
            for kind in types:
                for body in bodies:
                    ending = f"{kind}<|message|>{body}<|call|>"
                    yield f"<|channel|>{channel} to={recipient}{ending}"
                    yield f" to={recipient}<|channel|>{channel}{ending}"
    for kind in BUILTIN_TYPES:
        yield f"<|channel|>analysis to=python{kind}<|message|>print('<a>')\n<|call|>"
    # The matchers do not tell the stop tokens apart.
    yield "<|channel|>commentary to=functions.get json<|message|>{}<|return|>"


ACCEPTED = [
    "<|channel|>final<|message|>Hi.<|return|>",
    "<|channel|>final<|message|><|return|>",
    f"{REASONING}<|channel|>final<|message|>Hi.<|return|>",
    f"{REASONING}{PREAMBLE}{REASONING}<|channel|>final<|message|>Grüße 🙂<|return|>",
    f"{REASONING * 16}<|channel|>final<|message|>Hi.<|return|>",
    f"{REASONING}{PREAMBLE}<|channel|>commentary to=functions.get json<|message|>{{}}<|call|>",
    *calls(),
]

CALL_OF_WEATHER = "<|channel|>commentary to=functions.get_weather json<|message|>"
CALL_OF_GET = "<|channel|>commentary to=functions.get json<|message|>"
# A good beginning, and what must be refused at its first token.
REFUSED = [
    ("", "Hello"),
    ("", "assistant"),
    ("", "<|start|>assistant"),
    ("", "<|message|>Hi"),
    ("", "<|constrain|>json"),
    ("", "<|return|>"),
    ("", "<|end|>"),
    ("<|channel|>", "<|message|>"),
    ("<|channel|>", "user"),
    ("<|channel|>", "Analysis"),
    ("<|channel|>", " final"),
    ("<|channel|>", "<|channel|>"),
    ("<|channel|>final", " <|constrain|>json"),
    ("<|channel|>final", "<|constrain|>json"),
    ("<|channel|>final", " json"),
    ("<|channel|>final", " to=functions.get"),
    ("<|channel|>final", "<|end|>"),
    ("<|channel|>final<|message|>Hi", "<|end|>"),
    ("<|channel|>final<|message|>Hi", "<|start|>"),
    ("<|channel|>final<|message|>Hi", "<|channel|>"),
    ("<|channel|>final<|message|>Hi", "<|message|>"),
    ("<|channel|>final<|message|>Hi", "<|constrain|>"),
    ("<|channel|>final<|message|>Hi", "<|startoftext|>"),
    ("<|channel|>final<|message|>Hi", "<|reserved_200000|>"),
    ("<|channel|>final<|message|>Hi", "<|reserved_200018|>"),
    ("<|channel|>analysis<|message|>Hm", "<|return|>"),
    ("<|channel|>analysis<|message|>Hm", "<|call|>"),
    ("<|channel|>analysis<|message|>Hm", "<|message|>"),
    ("<|channel|>analysis<|message|>Hm", "<|channel|>"),
    ("<|channel|>analysis<|message|>Hm<|end|>", "<|return|>"),
    ("<|channel|>analysis<|message|>Hm<|end|>", "Hello"),
    ("<|channel|>analysis<|message|>Hm<|end|>", "<|channel|>"),
    ("<|channel|>analysis<|message|>Hm<|end|>", "<|end|>"),
    ("<|channel|>analysis<|message|>Hm<|end|><|start|>", "user"),
    ("<|channel|>analysis<|message|>Hm<|end|><|start|>", "tool"),
    ("<|channel|>analysis<|message|>Hm<|end|><|start|>", "functions.get"),
    ("<|channel|>analysis<|message|>Hm<|end|><|start|>", "<|channel|>"),
    (REASONING, ":bob"),
    (REASONING, "<|message|>"),
    (REASONING, "<|start|>"),
    (REASONING, "<|return|>"),
    (PREAMBLE, "<|return|>"),
    ("<|channel|>commentary", " functions.get"),
    ("<|channel|>commentary to=", "assistant"),
    ("<|channel|>commentary to=functions", "/get"),
    ("<|channel|>commentary to=functions.get", "_time"),
    ("<|channel|>commentary to=functions.get", " to=functions.get"),
    ("<|channel|>commentary to=functions.get", "<|channel|>"),
    ("<|channel|>commentary to=functions.get", " xml"),
    ("<|channel|>commentary to=functions.get <|constrain|>", "xml"),
    ("<|channel|>commentary to=functions.get <|constrain|>json", " json"),
    ("<|channel|>commentary to=functions.get json", "<|constrain|>"),
    ("<|channel|>commentary to=functions.get json", "<|call|>"),
    ("<|channel|>commentary to=files", ".get"),
    ("<|channel|>commentary to=python", ".exec"),
    ("<|channel|>commentary to=python <|constrain|>", "json"),
    ("<|channel|>commentary to=browser", ".click"),
    (" to=functions.get", "<|message|>"),
    (" to=functions.get", " json"),
    (" to=functions.get<|channel|>", "final"),
    (" to=functions.get<|channel|>commentary", " to=functions.get"),
    (REASONING * 16 + "<|channel|>analysis", "<|message|>"),
    (CALL_OF_GET + "{}", "<|end|>"),
    (CALL_OF_GET + "{}", "<|start|>"),
]
# The automaton takes bodies for text.
REFUSED_BODIES = [
    (CALL_OF_GET, "Hello"),
    (CALL_OF_GET, "<|call|>"),
    (CALL_OF_GET + "{", '"a"'),
    (CALL_OF_GET + "{}", "x"),
    (CALL_OF_WEATHER + "{", "}"),
    (CALL_OF_WEATHER + '{"', "town"),
    (CALL_OF_WEATHER + '{"city":', "5"),
    (CALL_OF_WEATHER + '{"city":"a', "<|end|>"),
    (CALL_OF_WEATHER + '{"city":"a', "<|call|>"),
    (CALL_OF_WEATHER + '{"city":"a', "<|return|>"),
    (CALL_OF_WEATHER + '{"city":"a', "<|reserved_200000|>"),
    (CALL_OF_WEATHER + '{"city":"a"', "<|call|>"),
    (CALL_OF_WEATHER + '{"city":"a","unit":"', "kelvin"),
    (CALL_OF_WEATHER + '{"city":"a","days":[', "]"),
    (CALL_OF_WEATHER + '{"city":"a","days":[1,2,3', ","),
    ("<|channel|>commentary to=functions.search json<|message|>" + '{"query":"', '"'),
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def _start(
    engine: Engine,
    encoding: HarmonyEncoding,
    options: SamplingConstraintOptions | None = None,
) -> Matcher:
    return engine.start(_build(engine.format, options or SamplingConstraintOptions(), encoding))


@functools.cache
def _build(
    constraint_format: ConstraintFormat,
    options: SamplingConstraintOptions,
    encoding: HarmonyEncoding,
) -> SamplingConstraint:
    return build_sampling_constraint(conversation(), constraint_format, options, encoding=encoding)


def test_what_models_write_is_accepted(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Every header form, in both orders, with compact and indented JSON, is accepted to the end."""
    for written in ACCEPTED:
        tokens = tokens_of(encoding, written)
        assert first_refused(_start(engine, encoding), tokens) is None, written
        check_turn(encoding, tokens)


def test_what_rendering_writes_is_accepted(engine: Engine, encoding: HarmonyEncoding) -> None:
    """The messages that the core renders are accepted, in the canonical forms too."""
    header = len(tokens_of(encoding, "<|start|>assistant"))
    for forms in HeaderForms:
        for recipient, arguments in ARGUMENTS.items():
            is_builtin = recipient.startswith("browser")
            message = Message(
                author=Author(role=Role.ASSISTANT),
                content=[TextContent(text=json.dumps(arguments, ensure_ascii=False))],
                channel="analysis" if is_builtin else "commentary",
                recipient=recipient,
                content_type="code" if is_builtin else "<|constrain|>json",
            )
            tokens = encoding.render(message)[header:]
            assert tokens[-1] == CALL
            matcher = _start(engine, encoding, SamplingConstraintOptions(header_forms=forms))
            assert first_refused(matcher, tokens) is None, (forms, recipient)


def test_what_is_malformed_is_refused_at_once(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Malformed forms are refused at their first wrong token, and no later."""
    cases = REFUSED if engine.name == "automaton" else REFUSED + REFUSED_BODIES
    wrong = []
    for good, bad in cases:
        prefix = tokens_of(encoding, good)
        tokens = [*prefix, *tokens_of(encoding, bad)]
        refused = first_refused(_start(engine, encoding), tokens)
        if refused != len(prefix):
            wrong.append((good[-60:], bad, refused))
    assert wrong == []


def test_text_may_spell_markers(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Free text may spell special tokens in ordinary ones, except for llama.cpp."""
    begin = tokens_of(encoding, "<|channel|>analysis<|message|>")
    spelled = encoding.encode_ordinary("so <|end|> and <|start|>user")
    end = tokens_of(encoding, "<|end|><|start|>assistant<|channel|>final<|message|>Hi<|return|>")
    refused = first_refused(_start(engine, encoding), [*begin, *spelled, *end])
    assert (refused is None) == engine.tells_markers


def test_json_strings_never_spell_markers(engine: Engine, encoding: HarmonyEncoding) -> None:
    """No string spells `<|end|>` where a matcher takes the special token for its spelling."""
    if engine.name in ("automaton", "llguidance"):
        pytest.skip("JSON strings are sealed by the engine, or not constrained")
    begin = tokens_of(encoding, CALL_OF_WEATHER + '{"city":"a ')
    spelled = encoding.encode_ordinary("<|end|>")
    assert first_refused(_start(engine, encoding), [*begin, *spelled]) is not None
    escaped = encoding.encode_ordinary('\\u003c|end|> <b> a <| b"}')
    assert first_refused(_start(engine, encoding), [*begin, *escaped, CALL]) is None


def test_canonical_forms_alone(engine: Engine, encoding: HarmonyEncoding) -> None:
    """With canonical forms, calls are on `commentary` with `<|constrain|>json`."""
    options = SamplingConstraintOptions(header_forms=HeaderForms.CANONICAL)
    for good, bad in (
        ("<|channel|>analysis", " to=functions.get"),
        ("<|channel|>commentary to=functions.get", " json"),
        ("<|channel|>commentary to=functions.get", "<|message|>"),
        ("<|channel|>commentary to=", "python"),
    ):
        prefix = tokens_of(encoding, good)
        matcher = _start(engine, encoding, options)
        refused = first_refused(matcher, [*prefix, *tokens_of(encoding, bad)])
        assert refused is not None, (good, bad)
        assert refused >= len(prefix), (good, bad)


def test_stop_tokens_in_the_grammar(encoding: HarmonyEncoding, automaton: Engine) -> None:
    """With stop tokens in the grammar, a call ends with `<|call|>` and an answer with `<|return|>`.

    Each engine's matcher is told another stop token, so the grammar alone allows them.
    """
    options = SamplingConstraintOptions(stop_tokens_in_grammar=True)
    for written, other in (
        ("<|channel|>final<|message|>Hi<|return|>", CALL),
        ("<|channel|>commentary to=functions.get json<|message|>{}<|call|>", RETURN),
    ):
        tokens = tokens_of(encoding, written)
        matcher = _start(automaton, encoding, options)
        assert first_refused(matcher, tokens) is None
        matcher = _start(automaton, encoding, options)
        assert first_refused(matcher, [*tokens[:-1], other]) == len(tokens) - 1


def test_stop_tokens_in_a_lark_grammar(encoding: HarmonyEncoding) -> None:
    """A matcher that is told no stop token of harmony ends each turn with its own."""
    from .matchers import Llguidance

    engine = Llguidance(encoding, knows_stop_tokens=False)
    options = SamplingConstraintOptions(stop_tokens_in_grammar=True)
    tokens = tokens_of(encoding, "<|channel|>final<|message|>Hi<|return|>")
    assert first_refused(_start(engine, encoding, options), tokens) is None
    assert first_refused(_start(engine, encoding, options), [*tokens[:-1], CALL]) is not None
