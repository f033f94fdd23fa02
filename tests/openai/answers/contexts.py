"""Contexts of any request, and tokens of any model."""

from typing import Any

from hypothesis import strategies as st

from harmony_server.openai.answer_context import (
    AnswerContext,
    AnswerHeader,
    Api,
    DeclaredTool,
    ReasoningField,
    ToolKind,
)
from harmony_server.openai.answers import EndReason
from tests.strategies import token_streams
from tests.support.encodings import tokens_of

from .asking import CALL

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_TOOLS = (
    DeclaredTool(ToolKind.FUNCTION, "functions", "f", "f"),
    DeclaredTool(ToolKind.CUSTOM, "functions", "get_weather", "get weather"),
    DeclaredTool(ToolKind.FUNCTION, "functions", "ns__x", "x", "ns"),
)
_PIECES = st.sampled_from(
    [
        tokens_of(text)
        for text in (
            "<|channel|>analysis<|message|>Hm. Let me see",
            "<|channel|>final<|message|>So it is to be \n\n ab 🦄",
            "<|channel|>commentary<|message|>I will look",
            " to=functions.get_weather<|channel|>commentary json<|message|>",
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}",
            '{"input": "x"}',
            " \n",
            "<|end|><|start|>assistant",
            "<|call|>",
            "<|return|>",
            "<|start|>functions.f to=assistant<|channel|>commentary<|message|>result",
            "to=python code",
        )
    ]
)

tokens = st.one_of(
    st.lists(_PIECES, max_size=8).map(lambda pieces: [t for piece in pieces for t in piece]),
    token_streams.streams(),
    st.lists(st.integers(0, 2**32 - 1) | st.integers(199_990, 201_090), max_size=12),
)
"""Well-formed, malformed and random tokens."""

ends = st.sampled_from(EndReason)
"""Every reason of an end."""

shown_ends = st.sampled_from([EndReason.STOP, EndReason.LENGTH, EndReason.CONTENT_FILTER])
"""The reasons after which an answer is complete."""


@st.composite
def contexts(draw: st.DrawFn, api: Api | None = None) -> AnswerContext:
    """Contexts of streams, of either API or of one."""
    members: dict[str, Any] = {
        "api": api or draw(st.sampled_from(Api)),
        "header": AnswerHeader(
            draw(_TEXT) or "id", draw(st.integers(0, 2**40)), draw(_TEXT), draw(st.none() | _TEXT)
        ),
        "stream": True,
        "include_usage": True,
        "prompt_tokens": draw(st.integers(0, 9)),
        "prefilled_tokens": draw(st.sampled_from([(), tuple(tokens_of(CALL))])),
        "tools": _TOOLS[: draw(st.integers(0, 3))],
        "max_calls": draw(st.sampled_from([None, None, 0, 1, 2])),
        "continue_tokens": draw(
            st.sampled_from([(), tuple(tokens_of(f"<|start|>assistant{CALL}"))])
        ),
        "json_content": draw(st.booleans()),
        "stop": draw(st.sampled_from([(), (), ("to be",), ("\n\n", "ab"), ("🦄", "e", "{}")])),
        "reasoning_field": draw(st.sampled_from(ReasoningField)),
        "encrypted_reasoning": draw(st.booleans()),
        "echo_json": draw(st.sampled_from(["", "{}", '{"tools": [],\n"temperature": 1.0}'])),
    }
    if members["api"] is Api.CHAT_COMPLETIONS:
        members["legacy_function_call"] = draw(st.booleans())
    return AnswerContext(**members)
