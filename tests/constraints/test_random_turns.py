"""An adversary under the mask: whatever it writes is a turn that parses and validates."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harmony_server.core import HarmonyEncoding
from harmony_server.core.constraints import (
    ConstraintFormat,
    ConstraintLevel,
    HeaderForms,
    ReasoningMode,
    SamplingConstraintOptions,
    ToolChoiceMode,
    build_sampling_constraint,
)

from .engines import INSTALLED, QUICK
from .matchers import END_OF_TEXT, Engine
from .turns import ANSWER, ANSWER_JSON, SCHEMAS, Sampler, check_turn, conversation, tokens_of

_Options = SamplingConstraintOptions

# The prompt's end behind `<|start|>assistant`.
PREFILLS = [
    "<|channel|>",
    "<|channel|>analysis",
    "<|channel|>analysis<|message|>Let me",
    "<|channel|>analysis<|message|>Hm<|end|>",
    "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant",
    "<|channel|>final<|message|>",
    "<|channel|>final<|message|>The answer",
    "<|channel|>commentary to=functions.get",
    " to=functions.get_weather<|channel|>commentary <|constrain|>",
]
_NAMED = "functions.get_weather"
ANY_OBJECTS = {recipient: {"type": "object"} for recipient in SCHEMAS}

# Options, and what `check_turn` is told.
CASES: dict[str, tuple[_Options, dict[str, Any]]] = {
    "required": (_Options(tool_choice=ToolChoiceMode.REQUIRED), {"called": True}),
    "named": (
        _Options(tool_choice=ToolChoiceMode.REQUIRED, allowed_recipients=(_NAMED,)),
        {"called": True, "recipients": [_NAMED]},
    ),
    "allowed": (
        _Options(allowed_recipients=(_NAMED, "python")),
        {"recipients": [_NAMED, "python"]},
    ),
    "none": (_Options(tool_choice=ToolChoiceMode.NONE), {"called": False}),
    "response format": (_Options(response_schema_json=ANSWER_JSON), {"answer": ANSWER}),
    "response format alone": (
        _Options(response_schema_json=ANSWER_JSON, tool_choice=ToolChoiceMode.NONE),
        {"answer": ANSWER, "called": False},
    ),
    "no reasoning": (_Options(reasoning=ReasoningMode.FORBIDDEN), {}),
    "no messages before": (_Options(max_messages_before_last=0), {}),
    "no preambles": (_Options(no_preambles=True), {}),
    "canonical": (_Options(header_forms=HeaderForms.CANONICAL), {}),
    "structure": (_Options(level=ConstraintLevel.STRUCTURE), {"schemas": None, "recipients": []}),
    "tools": (_Options(level=ConstraintLevel.TOOLS), {"schemas": ANY_OBJECTS}),
    "open objects": (_Options(open_objects=True), {}),
    "no white space": (_Options(max_json_whitespace=0), {}),
}  # fmt: skip


def _check(
    engine: Engine,
    encoding: HarmonyEncoding,
    options: SamplingConstraintOptions,
    expected: dict[str, Any],
    count: int,
    prefill: str = "",
) -> None:
    """Writes turns, and checks each."""
    is_automaton = engine.format is ConstraintFormat.TOKEN_AUTOMATON
    if is_automaton:
        # It constrains headers alone.
        options = dataclasses.replace(options, level=None)
        expected = {**expected, "schemas": None, "answer": None}
        if expected.get("recipients") == []:
            del expected["recipients"]
    begin = tokens_of(encoding, prefill)
    constraint = build_sampling_constraint(
        conversation(),
        engine.format,
        dataclasses.replace(options, prefill=tuple(begin)),
        encoding=encoding,
    )
    for seed in range(count):
        turn = Sampler(encoding, seed).write(engine.start(constraint), engine.stop_tokens)
        assert turn is not None, f"turn {seed} does not end"
        # A strict parse reads it as text: an engine that ends with it drops it.
        tokens = [*begin, *(turn[:-1] if turn[-1] == END_OF_TEXT else turn)]
        messages = check_turn(encoding, tokens, **{"schemas": SCHEMAS, **expected})
        assert len(messages) <= options.max_messages_before_last + 1
        for message in messages[:-1] if options.reasoning is ReasoningMode.FORBIDDEN else ():
            assert message.header.channel == "commentary"
        for message in messages[:-1] if options.no_preambles else ():
            assert message.header.channel == "analysis"


@pytest.mark.parametrize("name", QUICK)
def test_turns_are_well_formed(
    name: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding
) -> None:
    """By default, every turn ends, parses without repairs, and fits the tools."""
    _check(request.getfixturevalue(name), encoding, _Options(), {}, 40)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", QUICK)
def test_turns_fit_the_options(
    name: str, case: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding
) -> None:
    """Every turn is as the options demand."""
    _check(request.getfixturevalue(name), encoding, *CASES[case], 6)


@pytest.mark.parametrize("prefill", PREFILLS)
@pytest.mark.parametrize("name", QUICK)
def test_turns_continue_a_prefill(
    name: str, prefill: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding
) -> None:
    """Behind a prefill, every turn is well-formed together with it."""
    _check(request.getfixturevalue(name), encoding, _Options(), {}, 4, prefill)


@pytest.mark.long
@pytest.mark.runtimes
@pytest.mark.parametrize("name", [*QUICK, *INSTALLED])
def test_many_turns(name: str, request: pytest.FixtureRequest, encoding: HarmonyEncoding) -> None:
    """As the tests above, with more turns and every engine."""
    engine: Engine = request.getfixturevalue(name)
    _check(engine, encoding, _Options(), {}, 250)
    for options, expected in CASES.values():
        _check(engine, encoding, options, expected, 60)
    for prefill in PREFILLS:
        _check(engine, encoding, _Options(), {}, 25, prefill)
