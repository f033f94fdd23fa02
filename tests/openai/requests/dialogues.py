"""Dialogues, and how both APIs write them."""

from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.texts import texts

_NAMES: Final = ("get_weather", "Web Search", "a.b", "functions.f", "f")


@dataclass(frozen=True)
class Call:
    """A call of a function, or of a custom tool; and what it returned."""

    id: str
    name: str
    is_custom: bool
    arguments: str
    result: str


@dataclass(frozen=True)
class Step:
    """What the assistant wrote at once; without calls it is an answer."""

    reasoning: str
    content: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Dialogue:
    """Instructions, and turns of a question and steps."""

    instructions: tuple[str, ...]
    turns: tuple[tuple[str, tuple[Step, ...]], ...]


_calls = st.builds(
    Call, st.sampled_from(["a", "b", "c"]), st.sampled_from(_NAMES), st.booleans(), texts(), texts()
)
_filled = texts().filter(bool)
_steps = st.builds(
    Step,
    st.one_of(st.just(""), texts()),
    texts(),
    st.lists(_calls, max_size=2, unique_by=lambda call: call.id).map(tuple),
)
_turns = st.tuples(texts(), st.lists(_steps, max_size=3).map(tuple))


def dialogues() -> st.SearchStrategy[Dialogue]:
    """Dialogues, some of whose parts are empty."""
    return st.builds(
        Dialogue,
        st.lists(texts(), max_size=2).map(tuple),
        st.lists(_turns, min_size=1, max_size=3).map(tuple),
    )


def chat_messages(dialogue: Dialogue) -> list[dict[str, Any]]:
    """Returns a dialogue as messages of a chat completion."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": text} for text in dialogue.instructions
    ]
    for question, steps in dialogue.turns:
        messages.append({"role": "user", "content": question})
        for step in steps:
            messages += _chat_step(step)
    return messages


def _chat_step(step: Step) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    for call in step.calls:
        if call.is_custom:
            custom = {"name": call.name, "input": call.arguments}
            calls.append({"id": call.id, "type": "custom", "custom": custom})
        else:
            function = {"name": call.name, "arguments": call.arguments}
            calls.append({"id": call.id, "type": "function", "function": function})
    assistant: dict[str, Any] = {
        "role": "assistant",
        "reasoning": step.reasoning,
        "content": step.content,
    }
    if calls:
        assistant["tool_calls"] = calls
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": call.result} for call in step.calls
    ]
    return [assistant, *results]


def response_items(dialogue: Dialogue, *, with_phase: bool = True) -> list[dict[str, Any]]:
    """Returns a dialogue as items of the Responses API."""
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "developer", "content": text} for text in dialogue.instructions
    ]
    for question, steps in dialogue.turns:
        part = {"type": "input_text", "text": question}
        items.append({"type": "message", "role": "user", "content": [part]})
        for step in steps:
            items += _response_step(step, with_phase)
    return items


def _response_step(step: Step, with_phase: bool) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if step.reasoning:
        content = [{"type": "reasoning_text", "text": step.reasoning}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": [], "content": content})
    if step.content:
        part = {"type": "output_text", "text": step.content, "annotations": []}
        message = {"type": "message", "role": "assistant", "content": [part]}
        if with_phase:
            message["phase"] = "commentary" if step.calls else "final_answer"
        items.append(message)
    for call in step.calls:
        kind, member = ("custom_tool", "input") if call.is_custom else ("function", "arguments")
        items.append(
            {
                "type": f"{kind}_call",
                "call_id": call.id,
                "name": call.name,
                member: call.arguments,
            }
        )
    for call in step.calls:
        kind = "custom_tool" if call.is_custom else "function"
        items.append({"type": f"{kind}_call_output", "call_id": call.id, "output": call.result})
    return items
