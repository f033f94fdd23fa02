"""Conversations, as canonical dictionaries, with many cases of dropped analysis."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.contents import developer_contents, system_contents
from tests.strategies.messages import messages
from tests.strategies.mixing import evenly, one_in

# Frequent, because a last assistant message on `final` changes what is rendered.
_CHANNELS: Final = ("analysis", "final", "commentary", "final", "analysis")


@st.composite
def _turns(draw: st.DrawFn) -> dict[str, Any]:
    """Short messages of the assistant and the user, most with a channel."""
    message: dict[str, Any] = {
        "role": draw(st.sampled_from(["assistant", "assistant", "assistant", "user"])),
        "content": draw(st.sampled_from(["", "Thinking.", "2 + 2 = 4."])),
    }
    channel = draw(st.sampled_from([None, *_CHANNELS]))
    if channel is not None:
        message["channel"] = channel
    if draw(one_in(6)):
        message["recipient"] = "functions.get_weather"
    return message


def _message(
    role: str, contents: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return contents.map(lambda content: {"role": role, "content": [content]})


@st.composite
def _prompts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """System content, developer content and turns, as a program sends them.

    The developer's function tools change how the system content is rendered.
    """
    system = draw(_message("system", system_contents()))
    developer = draw(_message("developer", developer_contents()))
    return [system, developer, *draw(st.lists(_turns(), max_size=3))]


def conversations() -> st.SearchStrategy[dict[str, Any]]:
    """Conversations, some of them empty."""
    return evenly(
        _prompts(),
        st.lists(_turns(), max_size=7),
        st.lists(messages(_CHANNELS), max_size=4),
        st.tuples(st.lists(messages(_CHANNELS), max_size=2), st.lists(_turns(), max_size=3)).map(
            lambda parts: [*parts[0], *parts[1]]
        ),
    ).map(lambda drawn: {"messages": drawn})
