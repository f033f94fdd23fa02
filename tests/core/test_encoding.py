"""The encoding object, and calls that take many conversations or completions."""

import copy
import pickle
import subprocess
import sys

import pytest

from harmony_server import core
from tests.support.encodings import encoding, tokens_of

_USER, _ASSISTANT = core.Role.USER, core.Role.ASSISTANT


def _conversations() -> list[core.Conversation]:
    question = core.Message.from_role_and_content(_USER, "Hello")
    thought = core.Message.from_role_and_content(_ASSISTANT, "Hm").with_channel("analysis")
    answer = core.Message.from_role_and_content(_ASSISTANT, "Hi").with_channel("final")
    return [
        core.Conversation.from_messages(messages)
        for messages in ([question], [], [question, thought, answer], [question, thought])
    ]


def _with_a_broken_one(broken: core.Message) -> list[core.Conversation]:
    question = core.Message.from_role_and_content(_USER, "Hello")
    return [*_conversations()[:3], core.Conversation.from_messages([question, broken])]


# The object


def test_an_encoding_pickles_to_its_name() -> None:
    """A pickled encoding is small, and unpickles to the encoding loaded in that process."""
    pickled = pickle.dumps(encoding())
    assert len(pickled) < 200
    assert pickle.loads(pickled) is encoding()
    assert copy.deepcopy(encoding()) is encoding()
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).encode('Hello'))"
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickled, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[13225]"


def test_the_repr_has_the_name() -> None:
    """The repr has the encoding's name."""
    assert repr(encoding()) == "<HarmonyEncoding 'HarmonyGptOss'>"


# Many conversations


def test_many_conversations_are_rendered_in_order() -> None:
    """Rendering an iterable of conversations gives the tokens of each, in order."""
    ours, conversations = encoding(), _conversations()
    keep_all = core.RenderConversationConfig(auto_drop_analysis=False)
    for config in (None, keep_all):
        assert ours.render_conversations(iter(conversations), config) == [
            ours.render_conversation(conversation, config) for conversation in conversations
        ]
        assert ours.render_conversations_for_completion(conversations, _ASSISTANT, config) == [
            ours.render_conversation_for_completion(conversation, _ASSISTANT, config)
            for conversation in conversations
        ]
        assert ours.render_conversations_for_training(conversations, config) == [
            ours.render_conversation_for_training(conversation, config)
            for conversation in conversations
        ]
    assert ours.render_conversations([]) == []


def test_the_tokens_of_many_conversations() -> None:
    """Rendering several conversations gives these tokens."""
    question, empty, answered, _ = _conversations()
    hello = [200006, 1428, 200008, 13225, 200007]
    hi = [200006, 173781, 200005, 17196, 200008, 12194]
    ours = encoding()
    assert ours.render_conversations([question, empty]) == [hello, []]
    assert ours.render_conversations_for_completion([empty], _USER) == [[200006, 1428]]
    assert ours.render_conversations_for_training([answered]) == [[*hello, *hi, 200002]]


def test_an_error_names_the_conversation() -> None:
    """A RenderError names the conversation in its field, a ValueError in its message."""
    nameless = _with_a_broken_one(core.Message.from_role_and_content(core.Role.TOOL, "x"))
    lone_surrogate = _with_a_broken_one(core.Message.from_role_and_content(_USER, "\ud800"))
    ours = encoding()
    for render in (
        ours.render_conversations,
        lambda broken: ours.render_conversations_for_completion(broken, _ASSISTANT),
        ours.render_conversations_for_training,
    ):
        with pytest.raises(core.RenderError, match=r"^Tools should have a name!$") as caught:
            render(nameless)
        assert caught.value.field == "conversations[3].messages[1].author.name"
        with pytest.raises(ValueError, match=r"^conversations\[3\]: invalid conversation JSON: "):
            render(lone_surrogate)


# Many completions


def test_many_completions_are_parsed_in_order() -> None:
    """Parsing an iterable of completions gives the messages of each, in order."""
    one = "<|channel|>final<|message|>Hi<|return|>"
    two = "<|message|>a<|end|><|start|>user<|message|>b<|end|>"
    completions = [tokens_of(text) for text in (one, two, one)]
    ours = encoding()
    parsed = ours.parse_completions(iter(completions), _ASSISTANT, options=core.ParseOptions())
    assert [[message.author.role for message in messages] for messages in parsed] == [
        [_ASSISTANT],
        [_ASSISTANT, _USER],
        [_ASSISTANT],
    ]
    assert parsed == [
        ours.parse_messages_from_completion_tokens(tokens, _ASSISTANT) for tokens in completions
    ]
    assert ours.parse_completions([]) == []


def test_an_error_names_the_completion() -> None:
    """A ParseError names the completion in an attribute and in its message."""
    good, bad = tokens_of("<|start|>user<|message|>a<|end|>"), tokens_of("Hello")
    with pytest.raises(core.ParseError, match=r"^completions\[1\]: Unexpected token") as caught:
        encoding().parse_completions([good, bad])
    error = caught.value
    assert (error.completion, error.token, error.offset, error.state) == (
        1,
        13225,
        0,
        "ExpectStart",
    )
    recover = core.ParseOptions(recover=True)
    assert encoding().parse_completions([good, bad], options=recover)[1] == []


def test_a_lone_completion_has_no_index() -> None:
    """The error of a completion parsed alone has no index."""
    with pytest.raises(core.ParseError, match=r"^Unexpected token") as caught:
        encoding().parse_messages_from_completion_tokens(tokens_of("Hello"))
    assert caught.value.completion is None


def test_an_overflow_error_names_the_completion() -> None:
    """An OverflowError names the completion in its message."""
    with pytest.raises(OverflowError, match=r"^completions\[1\]: "):
        encoding().parse_completions([[], [-1]])
