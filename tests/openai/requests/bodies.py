"""Bodies of requests: whole ones, and such that differ from them somewhere."""

import copy
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.mixing import one_in

SECRET: Final = "sécret text"

_CHAT: Final[dict[str, Any]] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": SECRET},
        {"role": "user", "content": [{"type": "text", "text": SECRET}], "name": SECRET},
        {
            "role": "assistant",
            "content": SECRET,
            "reasoning": SECRET,
            "reasoning_content": SECRET,
            "refusal": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "d", "type": "custom", "custom": {"name": "sh", "input": SECRET}},
            ],
            "function_call": {"name": "f", "arguments": SECRET},
        },
        {"role": "tool", "tool_call_id": "c", "content": SECRET, "name": "f"},
        {"role": "function", "name": "f", "content": SECRET},
        {"role": "developer", "content": SECRET},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": SECRET,
                "parameters": {"type": "object", "properties": {SECRET: {"default": 1.5}}},
                "strict": True,
            },
        },
        {"type": "function", "function": {"name": "g h"}},
        {"type": "web_search"},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
    },
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": SECRET, "schema": {"type": "object"}},
    },
    "n": 2,
    "stop": [SECRET, "b"],
    "max_tokens": 5,
    "temperature": 0.5,
    "logit_bias": {"5": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "stream": True,
    "stream_options": {"include_usage": True},
    "reasoning": {"effort": "xhigh", "exclude": True},
    "chat_template_kwargs": {"model_identity": SECRET, "x": SECRET},
    "modalities": ["text"],
    "top_k": 5,
}
_LEGACY: Final[dict[str, Any]] = {
    "model": "m",
    "messages": [{"role": "user", "content": SECRET}],
    "functions": [{"name": "f", "parameters": {}}],
    "function_call": {"name": "f"},
    "seed": 5,
    "parallel_tool_calls": False,
    "include_reasoning": False,
}
_RESPONSE: Final[dict[str, Any]] = {
    "model": "m",
    "instructions": SECRET,
    "input": [
        {"role": "developer", "content": SECRET},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SECRET}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "content": [{"type": "reasoning_text", "text": SECRET}],
            "encrypted_content": "hs1.eJw",
            "summary": [{"type": "summary_text", "text": SECRET}],
        },
        {"type": "reasoning", "encrypted_content": SECRET},
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": SECRET, "annotations": [{}]}],
        },
        {
            "type": "function_call",
            "call_id": "c",
            "name": "f",
            "namespace": "ns",
            "arguments": SECRET,
        },
        {"type": "function_call_output", "call_id": "c", "output": SECRET},
        {"type": "custom_tool_call", "call_id": "d", "name": "sh", "input": SECRET},
        {
            "type": "custom_tool_call_output",
            "call_id": "d",
            "output": [{"type": "input_text", "text": SECRET}],
        },
        {"type": "web_search_call", "action": {"query": SECRET}},
        {"type": "item_reference", "id": "rs_9"},
        {"type": "item_reference", "id": "msg_1"},
    ],
    "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {
            "type": "custom",
            "name": "sh",
            "format": {"type": "grammar", "syntax": "lark", "definition": SECRET},
        },
        {
            "type": "namespace",
            "name": "ns",
            "description": SECRET,
            "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}],
        },
        {"type": "mcp", "server_label": SECRET},
    ],
    "tool_choice": {"type": "function", "name": "f", "namespace": "ns"},
    "text": {
        "format": {"type": "json_schema", "name": "n", "schema": {"title": SECRET}},
        "verbosity": "low",
    },
    "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    "truncation": "auto",
    "reasoning": {"effort": "none", "summary": "auto", "context": "all_turns"},
    "metadata": {SECRET: SECRET},
    "max_output_tokens": 5,
    "max_tool_calls": 3,
    "store": True,
    "conversation": {"id": "conv_1"},
    "top_logprobs": 2,
}
HISTORY: Final[list[Any]] = [
    {"type": "message", "id": "msg_1", "role": "user", "content": SECRET},
    {"type": "function_call", "id": "fc_1", "call_id": "e", "name": "f", "arguments": "{}"},
]

_WORDS: Final = (
    SECRET,
    "",
    "none",
    "auto",
    "required",
    "function",
    "custom",
    "namespace",
    "allowed_tools",
    "user",
    "assistant",
    "tool",
    "message",
    "reasoning",
    "item_reference",
    "function_call_output",
    "json_object",
    "rs_1",
    "f",
    "functions.f",
    "a\ud800",
    "x" * 300,
)
_scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, -1, 2**31, 2**32, 2**63, 10**30, -0.0, 1e300]),
    st.sampled_from(_WORDS),
    st.text(max_size=5).map(lambda text: SECRET + text),
)
values: Final[st.SearchStrategy[Any]] = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_WORDS), inner, max_size=3)
    ),
    max_leaves=8,
)


def chat_bodies() -> st.SearchStrategy[Any]:
    """Bodies of chat completions."""
    return st.sampled_from([_CHAT, _LEGACY]).flatmap(_changed)


def response_bodies() -> st.SearchStrategy[Any]:
    """Bodies of model responses."""
    return _changed(_RESPONSE)


def histories() -> st.SearchStrategy[Any]:
    """What a caller remembers."""
    return one_in(5).flatmap(lambda absent: st.none() if absent else _changed(HISTORY))


@st.composite
def _changed(draw: st.DrawFn, whole: Any) -> Any:
    """The body, with up to three parts removed, replaced or doubled."""
    body = copy.deepcopy(whole)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 3]))):
        container, step = draw(st.sampled_from(list(_parts(body)) or [(None, None)]))
        match draw(st.sampled_from(["remove", "replace", "replace", "double", "add"])):
            case _ if container is None:
                body = draw(values)
            case "remove":
                del container[step]
            case "replace":
                container[step] = draw(values)
            case "double" if isinstance(container, list):
                container.append(copy.deepcopy(container[step]))
            case "add" if isinstance(container, dict):
                container[draw(st.sampled_from(_WORDS))] = draw(values)
    return body


def _parts(value: Any) -> Any:
    """Yields each part of a value as its container and its step in it."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in list(steps):
        yield value, step
        if isinstance(inner, dict | list):
            yield from _parts(inner)
