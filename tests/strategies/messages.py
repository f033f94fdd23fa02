"""Messages, as canonical dictionaries."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.contents import developer_contents, system_contents, text_contents
from tests.strategies.mixing import evenly, one_in
from tests.strategies.texts import texts

ROLES: Final = ("user", "assistant", "system", "developer", "tool")
_CHANNELS: Final = ("analysis", "commentary", "final")
_RECIPIENTS: Final = ("all", "functions.get_weather", "assistant", "user", "browser", "")
_CONTENT_TYPES: Final = (
    "json",
    "code",
    "<|constrain|>json",
    "<|constrain|>",
    "<|constrain|> json",
    " <|constrain|>json",
    "json<|constrain|>",
    "<|constrain|><|constrain|>",
    "",
)

_role_words = evenly(st.just("assistant"), st.sampled_from(ROLES), st.sampled_from(ROLES))


def _optional(*usual: str) -> st.SearchStrategy[str | None]:
    return evenly(st.none(), st.sampled_from(usual), texts())


@st.composite
def _contents(draw: st.DrawFn, role: str) -> str | list[dict[str, Any]]:
    """Contents, rarely with one that does not belong in a message of the role."""
    if draw(st.booleans()):
        return draw(texts())
    fitting = [text_contents()]
    misfit = draw(one_in(16))
    if role == "system" or misfit:
        fitting.append(system_contents())
    if role == "developer" or misfit:
        fitting.append(developer_contents())
    return draw(st.lists(st.one_of(fitting[::-1]), max_size=3))


@st.composite
def messages(draw: st.DrawFn, channels: tuple[str, ...] = _CHANNELS) -> dict[str, Any]:
    """Messages of every role; most of them can be rendered."""
    role = draw(_role_words)
    message: dict[str, Any] = {"role": role, "content": draw(_contents(role))}
    if role == "tool" and not draw(one_in(8)):
        message["name"] = draw(st.one_of(st.just("functions.get_weather"), texts()))
    optional = {
        "name": _optional("bob", "functions.f"),
        "channel": _optional(*channels),
        "recipient": _optional(*_RECIPIENTS),
        "content_type": _optional(*_CONTENT_TYPES),
    }
    names = st.lists(st.sampled_from([*optional, "channel"]), unique=True, max_size=3)
    for name in draw(names):
        if name not in message:
            message[name] = draw(optional[name])
    return message
