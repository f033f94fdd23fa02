"""Conversations, as canonical dictionaries, rich in what decides about dropping analysis."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.messages import messages

# Conversations with function tools and those whose last assistant message is final are the ones
# that rendering treats differently, so these channels come often.
_CHANNELS: Final = ("analysis", "final", "commentary", "final", "analysis")


@st.composite
def _turns(draw: st.DrawFn) -> dict[str, Any]:
    """Short messages of the assistant and the user, most of them on a channel."""
    message: dict[str, Any] = {
        "role": draw(st.sampled_from(["assistant", "assistant", "assistant", "user"])),
        "content": draw(st.sampled_from(["", "Thinking.", "2 + 2 = 4."])),
    }
    channel = draw(st.sampled_from([None, *_CHANNELS]))
    if channel is not None:
        message["channel"] = channel
    if draw(st.integers(min_value=0, max_value=5)) == 0:
        message["recipient"] = "functions.get_weather"
    return message


def conversations() -> st.SearchStrategy[dict[str, Any]]:
    """Conversations, empty ones too."""
    return st.fixed_dictionaries(
        {
            "messages": st.one_of(
                st.lists(messages(_CHANNELS), max_size=4),
                st.lists(_turns(), max_size=7),
                st.tuples(
                    st.lists(messages(_CHANNELS), max_size=2), st.lists(_turns(), max_size=4)
                ).map(lambda parts: [*parts[0], *parts[1]]),
            )
        }
    )
