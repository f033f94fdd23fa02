"""Every unary RPC, compared with literal answers."""

import re

import pytest

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.version import __version__
from tests.support.encodings import tokens_of
from tests.support.messages import conversation, message, spelled, text, user, with_parameters

_SYSTEM = message(chat.ROLE_SYSTEM, chat.Content(system=chat.SystemContent()))
_FUNCTION_LINE = "Calls to these tools must go to the commentary channel: 'functions'."


def _rendered(stub: HarmonyServiceStub, item: chat.Message) -> str:
    return spelled(stub.Render(pb.RenderRequest(message=item)).tokens)


def _system_text(stub: HarmonyServiceStub, content: chat.SystemContent) -> str:
    rendered = _rendered(stub, message(chat.ROLE_SYSTEM, chat.Content(system=content)))
    return rendered.removeprefix("<|start|>system<|message|>").removesuffix("<|end|>")


def _assistant(channel: str, value: str) -> chat.Message:
    return message(chat.ROLE_ASSISTANT, text(value), channel=channel)


# GetEncoding


def test_the_encoding_is_described(stub: HarmonyServiceStub) -> None:
    """GetEncoding returns name, limits, stop tokens, special tokens, vocabulary and version."""
    answer = stub.GetEncoding(pb.GetEncodingRequest())
    assert answer.name == "HarmonyGptOss"
    assert answer.tokenizer_name == "o200k_harmony"
    assert answer.n_ctx == 1_048_576
    assert answer.max_message_tokens == 524_288
    assert list(answer.stop_tokens) == [200002, 200007, 200012]
    assert list(answer.stop_tokens_for_assistant_actions) == [200002, 200012]
    assert len(answer.special_tokens) == 1091
    assert answer.special_tokens["<|start|>"] == 200006
    assert answer.special_tokens["<|reserved_201088|>"] == 201088
    assert answer.vocabulary_sha256 == (
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    )
    assert answer.server_version == __version__


# Render


def test_a_message_is_rendered(stub: HarmonyServiceStub) -> None:
    """Render returns the tokens of a message."""
    answer = stub.Render(pb.RenderRequest(message=user("Hello")))
    assert list(answer.tokens) == [200006, 1428, 200008, 13225, 200007]


def test_every_field_of_a_message(stub: HarmonyServiceStub) -> None:
    """Name, recipient, channel, content type and all contents reach the prompt."""
    item = message(
        chat.ROLE_ASSISTANT,
        text("a"),
        text("b"),
        name="bob",
        channel="commentary",
        recipient="functions.f",
        content_type="<|constrain|>json",
    )
    assert _rendered(stub, item) == (
        "<|start|>assistant:bob to=functions.f<|channel|>commentary <|constrain|>json"
        "<|message|>ab<|call|>"
    )


def test_empty_is_not_unset(stub: HarmonyServiceStub) -> None:
    """An optional field that is set to the empty text is rendered."""
    item = message(chat.ROLE_USER, name="", channel="", recipient="", content_type="")
    assert _rendered(stub, item) == "<|start|>user: to=<|channel|> <|message|><|end|>"


def test_a_tool_message(stub: HarmonyServiceStub) -> None:
    """A tool is its name."""
    item = message(chat.ROLE_TOOL, text("{}"), name="functions.f", recipient="assistant")
    assert _rendered(stub, item) == "<|start|>functions.f to=assistant<|message|>{}<|end|>"


def test_unset_fields_of_a_system_content_take_their_defaults(stub: HarmonyServiceStub) -> None:
    """The empty system content is the default one; no date is rendered."""
    assert _system_text(stub, chat.SystemContent()) == (
        "You are ChatGPT, a large language model trained by OpenAI.\n"
        "Knowledge cutoff: 2024-06\n\n"
        "Reasoning: medium\n\n"
        "# Valid channels: analysis, commentary, final. "
        "Channel must be included for every message."
    )


def test_no_defaults_leaves_unset_fields_out(stub: HarmonyServiceStub) -> None:
    """With `no_defaults`, only the fields that are set are rendered."""
    assert _system_text(stub, chat.SystemContent(no_defaults=True)) == ""
    content = chat.SystemContent(
        no_defaults=True,
        model_identity="I",
        reasoning_effort=chat.REASONING_EFFORT_LOW,
        channel_config=chat.ChannelConfig(valid_channels=["a", "b"]),
    )
    assert _system_text(stub, content) == "I\n\nReasoning: low\n\n# Valid channels: a, b."


def test_set_fields_of_a_system_content(stub: HarmonyServiceStub) -> None:
    """A set field replaces its default; an empty list of channels omits the line."""
    content = chat.SystemContent(
        model_identity="I",
        reasoning_effort=chat.REASONING_EFFORT_HIGH,
        conversation_start_date="2025-06-28",
        knowledge_cutoff="K",
        channel_config=chat.ChannelConfig(channel_required=True),
    )
    assert _system_text(stub, content) == (
        "I\nKnowledge cutoff: K\nCurrent date: 2025-06-28\n\nReasoning: high"
    )


def test_an_unspecified_reasoning_effort_is_unset(stub: HarmonyServiceStub) -> None:
    """REASONING_EFFORT_UNSPECIFIED has the same effect as an unset field."""
    effort = chat.REASONING_EFFORT_UNSPECIFIED
    with_default = chat.SystemContent(reasoning_effort=effort)
    assert "Reasoning: medium" in _system_text(stub, with_default)
    without = chat.SystemContent(reasoning_effort=effort, no_defaults=True)
    assert _system_text(stub, without) == ""


def test_built_in_tools(stub: HarmonyServiceStub) -> None:
    """Built-in tools become namespaces, sorted by name with the others."""
    content = chat.SystemContent(
        builtin_tools=[chat.BUILTIN_TOOL_PYTHON, chat.BUILTIN_TOOL_BROWSER],
        tools=[chat.ToolNamespaceConfig(name="n", description="D")],
    )
    lines = _system_text(stub, content).splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## browser", "## n", "## python"]


def test_namespaces_are_sorted_by_key(stub: HarmonyServiceStub) -> None:
    """Namespaces are sorted by key, by default their name, and shown by name."""
    namespaces = [
        chat.ToolNamespaceConfig(name="first", key="b"),
        chat.ToolNamespaceConfig(name="second", key="a"),
        chat.ToolNamespaceConfig(name="aa"),
    ]
    content = chat.DeveloperContent(tools=namespaces)
    item = message(chat.ROLE_DEVELOPER, chat.Content(developer=content))
    assert _rendered(stub, item) == (
        "<|start|>developer<|message|># Tools\n\n## second\n\n\n## aa\n\n\n## first\n<|end|>"
    )


def test_parameters_keep_key_order_and_numbers(stub: HarmonyServiceStub) -> None:
    """Parameters keep the order of their keys and the notation of their numbers."""
    schema = (
        '{"type": "object", "properties": {"b": {"type": "number", "default": 1.0},'
        ' "a": {"type": "number", "default": 1}, "c": {"default": 1e16}}}'
    )
    assert (
        "type f = (_: {\nb?: number, // default: 1.0\na?: number, // default: 1\n"
        "c?: any, // default: 1e16\n}) => any;"
    ) in _rendered(stub, with_parameters(schema))


@pytest.mark.parametrize("text_of_none", ["null", " null "])
def test_null_parameters(stub: HarmonyServiceStub, text_of_none: str) -> None:
    """With `null` a tool has no parameters; with an empty object it has."""
    assert "type f = () => any;" in _rendered(stub, with_parameters(text_of_none))
    assert "type f = (_: any) => any;" in _rendered(stub, with_parameters("{}"))


def test_instructions(stub: HarmonyServiceStub) -> None:
    """Instructions follow their heading, even if they are empty."""
    for instructions in ("Be kind", ""):
        content = chat.DeveloperContent(instructions=instructions)
        item = message(chat.ROLE_DEVELOPER, chat.Content(developer=content))
        assert _rendered(stub, item) == (
            f"<|start|>developer<|message|># Instructions\n\n{instructions}<|end|>"
        )


def test_a_lone_message_can_be_told_of_function_tools(stub: HarmonyServiceStub) -> None:
    """With the option, a lone system message names the channel for calls."""
    options = pb.RenderOptions(conversation_has_function_tools=True)
    request = pb.RenderRequest(message=_SYSTEM, options=options)
    assert _FUNCTION_LINE in spelled(stub.Render(request).tokens)
    assert _FUNCTION_LINE not in _rendered(stub, _SYSTEM)


# Conversations


def test_a_conversation_is_rendered(stub: HarmonyServiceStub) -> None:
    """A conversation is its messages one after another, and nothing else."""
    request = pb.RenderConversationRequest(conversation=conversation(user("a"), user("b")))
    assert list(stub.RenderConversation(request).tokens) == [
        *(200006, 1428, 200008, 64, 200007),
        *(200006, 1428, 200008, 65, 200007),
    ]


def test_an_empty_conversation_is_no_tokens(stub: HarmonyServiceStub) -> None:
    """A conversation without messages has no tokens."""
    request = pb.RenderConversationRequest(conversation=conversation())
    assert list(stub.RenderConversation(request).tokens) == []


def test_analysis_is_dropped_unless_the_config_says_otherwise(stub: HarmonyServiceStub) -> None:
    """`auto_drop_analysis` is true if it is unset."""
    item = conversation(_assistant("analysis", "A"), _assistant("final", "F"))
    final = "<|start|>assistant<|channel|>final<|message|>F<|end|>"
    analysis = "<|start|>assistant<|channel|>analysis<|message|>A<|end|>"
    for config, expected in [
        (None, final),
        (pb.RenderConversationConfig(), final),
        (pb.RenderConversationConfig(auto_drop_analysis=True), final),
        (pb.RenderConversationConfig(auto_drop_analysis=False), analysis + final),
    ]:
        request = pb.RenderConversationRequest(conversation=item, config=config)
        assert spelled(stub.RenderConversation(request).tokens) == expected


def test_a_rule_for_analysis(stub: HarmonyServiceStub) -> None:
    """A rule decides which analysis stays, in all three RPCs."""
    turn = [_assistant("analysis", "A"), _assistant("final", "F")]
    item = conversation(*turn, user("U"), *turn)
    for rule, expected in [
        (pb.ANALYSIS_RULE_KEEP, "AFUAF"),
        (pb.ANALYSIS_RULE_CURRENT_TURN, "FUAF"),
        (pb.ANALYSIS_RULE_NONE, "FUF"),
    ]:
        config = pb.RenderConversationConfig(analysis=rule)
        rendered = stub.RenderConversation(
            pb.RenderConversationRequest(conversation=item, config=config)
        ).tokens
        assert re.findall(r"<\|message\|>(.)", spelled(rendered)) == list(expected)
        prompt = stub.RenderConversationForCompletion(
            pb.RenderConversationForCompletionRequest(
                conversation=item, next_turn_role=chat.ROLE_ASSISTANT, config=config
            )
        ).tokens
        assert spelled(prompt) == spelled(rendered) + "<|start|>assistant"
        example = stub.RenderConversationForTraining(
            pb.RenderConversationForTrainingRequest(conversation=item, config=config)
        ).tokens
        assert example[:-1] == rendered[:-1]


def test_function_tools_name_the_channel(stub: HarmonyServiceStub) -> None:
    """If the namespace `functions` has a tool, system messages name the channel for calls."""
    request = pb.RenderConversationRequest(
        conversation=conversation(_SYSTEM, with_parameters("{}"))
    )
    assert _FUNCTION_LINE in spelled(stub.RenderConversation(request).tokens)


def test_a_prompt_ends_with_the_next_role(stub: HarmonyServiceStub) -> None:
    """A prompt for completion ends with `<|start|>` and the next role."""
    request = pb.RenderConversationForCompletionRequest(
        conversation=conversation(user("u")), next_turn_role=chat.ROLE_ASSISTANT
    )
    assert list(stub.RenderConversationForCompletion(request).tokens) == [
        *(200006, 1428, 200008, 84, 200007, 200006, 173781)
    ]


def test_training_ends_a_final_answer_with_return(stub: HarmonyServiceStub) -> None:
    """A conversation for training ends a final answer with `<|return|>`."""
    request = pb.RenderConversationForTrainingRequest(
        conversation=conversation(user("u"), _assistant("final", "F"))
    )
    assert list(stub.RenderConversationForTraining(request).tokens) == [
        *(200006, 1428, 200008, 84, 200007, 200006, 173781, 200005, 17196, 200008, 37, 200002)
    ]


# ParseMessages


def test_a_completion_is_parsed(stub: HarmonyServiceStub) -> None:
    """Each message has an outcome with its stop token and offsets."""
    completion = tokens_of(
        " to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
        "<|start|>assistant<|channel|>final<|message|>x"
    )
    request = pb.ParseMessagesRequest(tokens=completion, role=chat.ROLE_ASSISTANT)
    answer = stub.ParseMessages(request)
    assert list(answer.messages) == [
        message(
            chat.ROLE_ASSISTANT,
            text("{}"),
            channel="commentary",
            recipient="functions.f",
            content_type="<|constrain|>json",
        ),
        message(chat.ROLE_ASSISTANT, text("x"), channel="final"),
    ]
    assert list(answer.outcomes) == [
        pb.MessageOutcome(
            stop_token=200012,
            offsets=parse.MessageOffsets(
                header=parse.TokenRange(begin=0, end=10),
                content=parse.TokenRange(begin=11, end=12),
            ),
        ),
        pb.MessageOutcome(
            offsets=parse.MessageOffsets(
                header=parse.TokenRange(begin=14, end=17),
                content=parse.TokenRange(begin=18, end=19),
            )
        ),
    ]
    assert not answer.outcomes[1].HasField("stop_token")
    assert not answer.recovered


def test_parsing_no_tokens(stub: HarmonyServiceStub) -> None:
    """Without tokens and role, ParseMessages returns nothing."""
    assert stub.ParseMessages(pb.ParseMessagesRequest()) == pb.ParseMessagesResponse()


def test_a_lenient_parse(stub: HarmonyServiceStub) -> None:
    """In lenient mode a stop token may end a header."""
    request = pb.ParseMessagesRequest(
        tokens=tokens_of("<|channel|>final Hello<|end|>"),
        role=chat.ROLE_ASSISTANT,
        options=parse.ParseOptions(strict=False),
    )
    assert list(stub.ParseMessages(request).messages) == [
        message(chat.ROLE_ASSISTANT, text("Hello"), channel="final")
    ]


def test_an_id_outside_of_the_vocabulary_is_text_in_content(stub: HarmonyServiceStub) -> None:
    """An unknown id in content becomes one U+FFFD."""
    request = pb.ParseMessagesRequest(tokens=[200008, 87, 300000, 88], role=chat.ROLE_ASSISTANT)
    assert list(stub.ParseMessages(request).messages) == [
        message(chat.ROLE_ASSISTANT, text("x\ufffdy"))
    ]


# Encode and Decode


def test_text_is_encoded(stub: HarmonyServiceStub) -> None:
    """Encode returns the tokens of a text."""
    assert list(stub.Encode(pb.EncodeRequest(text="Hello, world!")).tokens) == [13225, 11, 2375, 0]
    assert list(stub.Encode(pb.EncodeRequest()).tokens) == []


@pytest.mark.parametrize(
    ("allowed", "disallowed", "tokens"),
    [
        (pb.SpecialTokenSet(all=True), None, [200006, 87, 200007]),
        (
            pb.SpecialTokenSet(tokens=["<|start|>"]),
            pb.SpecialTokenSet(),
            [200006, 87, 27, 91, 419, 91, 29],
        ),
        (
            None,
            pb.SpecialTokenSet(tokens=["<|call|>"]),
            [27, 91, 5236, 91, 29, 87, 27, 91, 419, 91, 29],
        ),
    ],
    ids=["all allowed", "one allowed, none disallowed", "another disallowed"],
)
def test_special_tokens_in_text(
    stub: HarmonyServiceStub,
    allowed: pb.SpecialTokenSet | None,
    disallowed: pb.SpecialTokenSet | None,
    tokens: list[int],
) -> None:
    """Allowed special tokens become tokens; those neither allowed nor disallowed stay text."""
    request = pb.EncodeRequest(
        text="<|start|>x<|end|>", allowed_special=allowed, disallowed_special=disallowed
    )
    assert list(stub.Encode(request).tokens) == tokens


def test_tokens_are_decoded(stub: HarmonyServiceStub) -> None:
    """Decode returns the text of tokens, and the spelling of special ones."""
    answer = stub.Decode(pb.DecodeRequest(tokens=[200006, 13225, 201088], strict=True))
    assert answer == pb.DecodeResponse(text="<|start|>Hello<|reserved_201088|>")


def test_no_tokens_decode_to_the_empty_text(stub: HarmonyServiceStub) -> None:
    """An empty output is still set in the response."""
    assert stub.Decode(pb.DecodeRequest()).WhichOneof("output") == "text"
    assert stub.Decode(pb.DecodeRequest(as_bytes=True)).WhichOneof("output") == "data"


def test_bytes_that_are_not_utf8(stub: HarmonyServiceStub) -> None:
    """Bytes that are not UTF-8 become U+FFFD in text and stay as they are in bytes."""
    assert stub.Decode(pb.DecodeRequest(tokens=[87, 4103])).text == "x\ufffd"
    for strict in (True, False):
        request = pb.DecodeRequest(tokens=[87, 4103], as_bytes=True, strict=strict)
        assert stub.Decode(request).data == b"x\xf0\x9f"
