"""Conversations of turns of every kind, and the builders of their messages."""

from hypothesis import strategies as st

from harmony_server.core import Author, Conversation, Message, Role


def user(text: str) -> Message:
    """A user message."""
    return Message.from_role_and_content(Role.USER, text)


def said(channel: str | None, text: str) -> Message:
    """An assistant message on a channel, or on none."""
    message = Message.from_role_and_content(Role.ASSISTANT, text)
    return message if channel is None else message.with_channel(channel)


def call(text: str, recipient: str = "functions.w", channel: str = "commentary") -> Message:
    """A tool call."""
    return said(channel, text).with_recipient(recipient).with_content_type("<|constrain|>json")


def result(text: str) -> Message:
    """The result of a tool call."""
    message = Message.from_author_and_content(Author.new(Role.TOOL, "functions.w"), text)
    return message.with_channel("commentary").with_recipient("assistant")


TWO_TURNS = Conversation.from_messages(
    [
        user("2+2?"),
        said("analysis", "Add."),
        said("final", "4."),
        user("Rain?"),
        said("analysis", "Ask."),
        call("{}"),
        result("yes"),
        said("analysis", "So."),
        said("final", "Yes."),
    ]
)

_TEXTS = st.sampled_from(["", "a", "It rains.", "{}", "<|end|>", "é 🌧"])

_MESSAGES = st.one_of(
    st.builds(user, _TEXTS),
    st.builds(said, st.sampled_from(["analysis", "commentary", "final", None]), _TEXTS),
    st.builds(call, _TEXTS, st.sampled_from(["functions.w", "all", "python"])),
    st.builds(call, _TEXTS, st.just("functions.w"), st.sampled_from(["analysis", "final"])),
    st.builds(result, _TEXTS),
)


def conversations() -> st.SearchStrategy[Conversation]:
    """Turns of every kind: cut short, with several answers, with results behind an answer."""
    return st.lists(_MESSAGES, max_size=12).map(Conversation.from_messages)
