"""Both clients against the real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harmony_client import (
    Client,
    InvalidArgument,
    Message,
    assistant,
    developer,
    function,
    system,
    tool,
    user,
)

Connect = Callable[..., Client]

PARAMETERS = {
    "type": "object",
    "properties": {"location": {"type": "string"}},
    "required": ["location"],
}
CONVERSATION = [
    system(reasoning_effort="high", conversation_start_date="2025-06-28"),
    developer("Be brief.", functions=[function("get_weather", "Gets the weather.", PARAMETERS)]),
    user("What is the weather in Tokyo?"),
    assistant("The user wants the weather.", channel="analysis"),
    assistant(
        '{"location": "Tokyo"}',
        channel="commentary",
        recipient="functions.get_weather",
        content_type="<|constrain|>json",
    ),
    tool(
        "functions.get_weather",
        '{"temperature": 20}',
        channel="commentary",
        recipient="assistant",
    ),
]
PROMPT_END = (
    "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>"
    '{"temperature": 20}<|end|><|start|>assistant'
)


@pytest.fixture
def client(connect: Connect, server_address: str) -> Client:
    """A client of either kind."""
    return connect(server_address)


def test_encoding(client: Client) -> None:
    """The server describes its encoding."""
    encoding = client.get_encoding()
    assert encoding.name == "HarmonyGptOss"
    assert encoding.special_tokens["<|start|>"] == 200006
    assert list(encoding.stop_tokens_for_assistant_actions) == [200002, 200012]


def test_prompt(client: Client) -> None:
    """A conversation with a tool becomes the prompt that the format describes."""
    text = client.decode(client.render_conversation_for_completion(CONVERSATION))
    assert text.startswith("<|start|>system<|message|>You are ChatGPT")
    assert "Current date: 2025-06-28\n\nReasoning: high" in text
    assert "type get_weather = (_: {\nlocation: string,\n}) => any;" in text
    assert text.endswith(PROMPT_END)


def test_one_message(client: Client) -> None:
    """A user message has the tokens of the published format."""
    tokens = client.render(user("What is 2 + 2?"))
    assert tokens == [200006, 1428, 200008, 4827, 382, 220, 17, 659, 220, 17, 30, 200007]


def test_conversation_is_a_prefix_of_its_prompt(client: Client) -> None:
    """A prompt is the conversation and the beginning of the next message."""
    tokens = client.render_conversation(CONVERSATION)
    prompt = client.render_conversation_for_completion(CONVERSATION)
    assert prompt[: len(tokens)] == tokens
    assert client.decode(prompt[len(tokens) :]) == "<|start|>assistant"


def test_training_ends_with_return(client: Client) -> None:
    """A final answer ends with <|return|> when trained on, with <|end|> otherwise."""
    conversation = [user("What is 2 + 2?"), assistant("4", channel="final")]
    assert client.render_conversation_for_training(conversation)[-1] == 200002
    assert client.render_conversation(conversation)[-1] == 200007


def test_analysis_is_dropped_unless_kept(client: Client) -> None:
    """Analysis before the final answer is left out by default."""
    conversation = [
        user("Hi"),
        assistant("Greet.", channel="analysis"),
        assistant("Hello!", channel="final"),
    ]
    assert "Greet." not in client.decode(client.render_conversation(conversation))
    kept = client.render_conversation(conversation, auto_drop_analysis=False)
    assert "Greet." in client.decode(kept)


def test_parse(client: Client) -> None:
    """Parsing a completion returns the messages that the model wrote."""
    completion = client.encode(
        "<|channel|>analysis<|message|>Think.<|end|>"
        "<|start|>assistant<|channel|>commentary to=functions.get_weather"
        ' <|constrain|>json<|message|>{"location": "Tokyo"}<|call|>',
        allowed_special="all",
    )
    parsed = client.parse_messages(completion)
    expected: list[Message] = [
        assistant("Think.", channel="analysis"),
        CONVERSATION[4],
    ]
    assert parsed.messages == expected
    assert [outcome.stop_token for outcome in parsed.outcomes] == [200007, 200012]
    content = parsed.outcomes[0].offsets.content
    assert client.decode(completion[content.begin : content.end]) == "Think."


def test_parse_failure(client: Client) -> None:
    """Malformed output is an error with a stable reason."""
    with pytest.raises(InvalidArgument) as caught:
        client.parse_messages(client.encode("no header"), role=None)
    assert caught.value.reason == "PARSE_FAILED"


def test_bad_field(client: Client) -> None:
    """An error names the invalid field."""
    message = user("Hi")
    message.author.ClearField("role")
    with pytest.raises(InvalidArgument) as caught:
        client.render_conversation([user("Hi"), message])
    fields = [violation.field for violation in caught.value.field_violations]
    assert fields == ["conversation.messages[1].author.role"]


def test_encode_refuses_special_tokens(client: Client) -> None:
    """Special tokens in text are an error unless allowed or declared to be text."""
    with pytest.raises(InvalidArgument):
        client.encode("<|end|>")
    assert client.encode("<|end|>", allowed_special=["<|end|>"]) == [200007]
    assert len(client.encode("<|end|>", disallowed_special=())) > 1


def test_decode(client: Client) -> None:
    """Half a character is replaced, refused or returned as bytes."""
    half = client.encode("🪿")[:1]
    assert "\ufffd" in client.decode(half)
    with pytest.raises(InvalidArgument):
        client.decode(half, strict=True)
    assert "🪿".encode().startswith(client.decode_bytes(half))
