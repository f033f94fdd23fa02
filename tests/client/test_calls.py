"""The requests that both clients send, and the results they read from responses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.message import Message

from harmony_client import AnalysisRule, Client, Conversation, ParseMode, Role, assistant, user
from harmony_client.v1 import parse_pb2, service_pb2

from .recording_server import RecordingServer

Connect = Callable[..., Client]

MESSAGES = [user("What is 2 + 2?"), assistant("4", channel="final")]
RENDERINGS = [
    "render_conversation",
    "render_conversation_for_completion",
    "render_conversation_for_training",
]


def rpc(method: str) -> str:
    """Returns the name of the RPC of a client's method."""
    return "".join(word.capitalize() for word in method.split("_"))


def answer(recorder: RecordingServer, method: str, response: Message) -> None:
    """Makes the server answer every call of a method with one response."""
    recorder.answers[method] = lambda *_: response


def test_get_encoding(recorder: RecordingServer, connect: Connect) -> None:
    """The description of the encoding is the server's response, unchanged."""
    encoding = service_pb2.GetEncodingResponse(name="HarmonyGptOss", stop_tokens=[200002])
    answer(recorder, "GetEncoding", encoding)
    assert connect(recorder.address).get_encoding() == encoding


def test_render(recorder: RecordingServer, connect: Connect) -> None:
    """One message goes out with its option; a list of ints comes back."""
    answer(recorder, "Render", service_pb2.RenderResponse(tokens=[200006, 1428]))
    client = connect(recorder.address)
    tokens = client.render(MESSAGES[0], conversation_has_function_tools=True)
    assert tokens == [200006, 1428]
    assert type(tokens) is list
    assert recorder.last_request("Render") == service_pb2.RenderRequest(
        message=MESSAGES[0],
        options=service_pb2.RenderOptions(conversation_has_function_tools=True),
    )


@pytest.mark.parametrize("method", RENDERINGS)
@pytest.mark.parametrize(
    "make", [list, tuple, iter, lambda messages: Conversation(messages=messages)]
)
def test_a_conversation_is_any_iterable_of_messages(
    recorder: RecordingServer, connect: Connect, method: str, make: Callable[[Any], Any]
) -> None:
    """A Conversation, a list, a tuple and an iterator all work."""
    getattr(connect(recorder.address), method)(make(MESSAGES))
    request: Any = recorder.last_request(rpc(method))
    assert list(request.conversation.messages) == MESSAGES
    assert request.config.auto_drop_analysis


@pytest.mark.parametrize("method", RENDERINGS)
def test_an_empty_conversation_is_set(
    recorder: RecordingServer, connect: Connect, method: str
) -> None:
    """A conversation without messages is sent as one, not as a missing field."""
    getattr(connect(recorder.address), method)([])
    request: Any = recorder.last_request(rpc(method))
    assert request.HasField("conversation")


@pytest.mark.parametrize("method", RENDERINGS)
def test_auto_drop_analysis(recorder: RecordingServer, connect: Connect, method: str) -> None:
    """False is sent explicitly: unset would mean true."""
    getattr(connect(recorder.address), method)(MESSAGES, auto_drop_analysis=False)
    request: Any = recorder.last_request(rpc(method))
    assert request.config.HasField("auto_drop_analysis")
    assert not request.config.auto_drop_analysis


@pytest.mark.parametrize("method", RENDERINGS)
@pytest.mark.parametrize("rule", ["current_turn", AnalysisRule.ANALYSIS_RULE_CURRENT_TURN])
def test_a_rule_for_analysis(
    recorder: RecordingServer, connect: Connect, method: str, rule: AnalysisRule | str
) -> None:
    """A rule goes by name or value, and replaces `auto_drop_analysis`."""
    getattr(connect(recorder.address), method)(MESSAGES, analysis=rule)
    request: Any = recorder.last_request(rpc(method))
    assert request.config == service_pb2.RenderConversationConfig(
        analysis=AnalysisRule.ANALYSIS_RULE_CURRENT_TURN
    )


@pytest.mark.parametrize("method", RENDERINGS)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"analysis": "some"}, "unknown name 'some'; choose from keep, current_turn, none"),
        ({"analysis": "keep", "auto_drop_analysis": False}, "exclude each other"),
    ],
)
def test_a_wrong_rule_is_not_sent(
    recorder: RecordingServer,
    connect: Connect,
    method: str,
    arguments: dict[str, Any],
    problem: str,
) -> None:
    """An unknown rule, or one that contradicts `auto_drop_analysis`, raises ValueError."""
    with pytest.raises(ValueError, match=problem):
        getattr(connect(recorder.address), method)(MESSAGES, **arguments)
    assert not recorder.calls


@pytest.mark.parametrize("role", ["tool", Role.ROLE_TOOL])
def test_roles_go_by_name_or_value(
    recorder: RecordingServer, connect: Connect, role: Role | str
) -> None:
    """A role is a value of the enum or its short name."""
    client = connect(recorder.address)
    client.render_conversation_for_completion(MESSAGES, role)
    request: Any = recorder.last_request("RenderConversationForCompletion")
    assert request.next_turn_role == Role.ROLE_TOOL
    client.parse_messages([1], role)
    request = recorder.last_request("ParseMessages")
    assert request.role == Role.ROLE_TOOL


def test_the_assistant_is_next_by_default(recorder: RecordingServer, connect: Connect) -> None:
    """A prompt is for the assistant by default."""
    connect(recorder.address).render_conversation_for_completion(MESSAGES)
    request: Any = recorder.last_request("RenderConversationForCompletion")
    assert request.next_turn_role == Role.ROLE_ASSISTANT


def test_an_unknown_role_is_not_sent(recorder: RecordingServer, connect: Connect) -> None:
    """An unknown role raises ValueError, and no call is made."""
    with pytest.raises(ValueError, match="unknown name 'robot'"):
        connect(recorder.address).render_conversation_for_completion(MESSAGES, "robot")
    assert not recorder.calls


def test_parse_messages_defaults(recorder: RecordingServer, connect: Connect) -> None:
    """The role is assistant; unset options stay unset, so that the server's defaults hold."""
    connect(recorder.address).parse_messages([1, 2])
    assert recorder.last_request("ParseMessages") == service_pb2.ParseMessagesRequest(
        tokens=[1, 2], role=Role.ROLE_ASSISTANT, options=parse_pb2.ParseOptions()
    )


def test_parse_messages_without_a_role(recorder: RecordingServer, connect: Connect) -> None:
    """None leaves the role unset: the completion begins with `<|start|>`."""
    connect(recorder.address).parse_messages([1, 2], role=None)
    request: Any = recorder.last_request("ParseMessages")
    assert not request.HasField("role")


def test_parse_messages(recorder: RecordingServer, connect: Connect) -> None:
    """Options go out; messages, outcomes and repairs come back as lists."""
    outcome = service_pb2.MessageOutcome(stop_token=200012)
    repair = parse_pb2.Recovered(reason=parse_pb2.RecoveryReason.RECOVERY_REASON_EXTRA_START)
    response = service_pb2.ParseMessagesResponse(
        messages=[MESSAGES[1]], outcomes=[outcome], recovered=[repair]
    )
    answer(recorder, "ParseMessages", response)
    parsed = connect(recorder.address).parse_messages(
        iter([1, 2]), mode="recover", max_header_tokens=7
    )
    assert parsed == ([MESSAGES[1]], [outcome], [repair])
    assert parsed.messages == [MESSAGES[1]]
    request: Any = recorder.last_request("ParseMessages")
    assert list(request.tokens) == [1, 2]
    assert request.options == parse_pb2.ParseOptions(recover=True, max_header_tokens=7)


def test_names_for_recover_mode(recorder: RecordingServer, connect: Connect) -> None:
    """Callable names and further channels go out as options."""
    client = connect(recorder.address)
    client.parse_messages(
        [1], mode="recover", callable_names=iter(["functions.f", "search"]), channels={"notes"}
    )
    request: Any = recorder.last_request("ParseMessages")
    assert request.options == parse_pb2.ParseOptions(
        recover=True, callable_names=["functions.f", "search"], channels=["notes"]
    )


def test_prefill(recorder: RecordingServer, connect: Connect) -> None:
    """The last tokens of the prompt go out with a completion, a stream and a sequence."""
    client = connect(recorder.address)
    client.parse_messages([1], prefill=iter([7, 8]))
    unary: Any = recorder.last_request("ParseMessages")
    assert (list(unary.tokens), list(unary.prefill)) == ([1], [7, 8])
    config = parse_pb2.ParseConfig(
        role=Role.ROLE_ASSISTANT, options=parse_pb2.ParseOptions(delta_offsets=True), prefill=[7, 8]
    )
    seen: list[parse_pb2.ParseConfig] = []

    def parse(requests: Iterator[Any], _: Any) -> Iterator[Message]:
        for request in requests:
            seen.append(request.config)
            yield parse_pb2.ParseResponse()

    def parse_batch(requests: Iterator[Any], _: Any) -> Iterator[Message]:
        for request in requests:
            seen.append(request.open[0].config)
            yield parse_pb2.ParseBatchResponse()

    recorder.streams.update(Parse=parse, ParseBatch=parse_batch)
    with client.open_parse(prefill=(7, 8), delta_offsets=True) as stream:
        stream.feed([1])
    with client.batch() as batch:
        batch.open(3, prefill=iter([7, 8]), delta_offsets=True)
        batch.step({})
    assert (seen[0], seen[-1]) == (config, config)


def test_names_are_not_one_string(recorder: RecordingServer, connect: Connect) -> None:
    """A string where names belong raises TypeError, and no call is made."""
    client: Any = connect(recorder.address)
    for argument in ("callable_names", "channels"):
        expected = f"{argument} must be an iterable of strings, not 'search'"
        with pytest.raises(TypeError, match=expected):
            client.parse_messages([1], **{argument: "search"})
        with pytest.raises(TypeError, match=expected):
            client.open_parse(**{argument: "search"})
        with client.batch() as batch, pytest.raises(TypeError, match=expected):
            batch.open(**{argument: "search"})
    assert not recorder.calls


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("strict", parse_pb2.ParseOptions()),
        ("lenient", parse_pb2.ParseOptions(strict=False)),
        ("recover", parse_pb2.ParseOptions(recover=True)),
    ],
)
def test_modes(
    recorder: RecordingServer, connect: Connect, mode: ParseMode, options: parse_pb2.ParseOptions
) -> None:
    """Each mode sends only what differs from the server's default."""
    connect(recorder.address).parse_messages([1], mode=mode)
    request: Any = recorder.last_request("ParseMessages")
    # `strict` is optional: false and unset differ.
    assert request.options.SerializeToString() == options.SerializeToString()


def test_an_unknown_mode_is_not_sent(recorder: RecordingServer, connect: Connect) -> None:
    """An unknown mode raises a ValueError that lists the known ones, and no call is made."""
    client: Any = connect(recorder.address)
    expected = "unknown mode 'loose'; choose from strict, lenient, recover"
    with pytest.raises(ValueError, match=expected):
        client.parse_messages([1], mode="loose")
    with pytest.raises(ValueError, match=expected):
        list(client.parse([1], mode="loose"))
    with pytest.raises(ValueError, match=expected):
        client.open_parse(mode="loose")
    with client.batch() as batch, pytest.raises(ValueError, match=expected):
        batch.open(mode="loose")
    assert not recorder.calls


@pytest.mark.parametrize("token", [-1, 2**32])
def test_an_invalid_token_is_not_sent(
    recorder: RecordingServer, connect: Connect, token: int
) -> None:
    """A number outside uint32 raises ValueError, and no call is made."""
    with pytest.raises(ValueError, match=str(token)):
        connect(recorder.address).parse_messages([token])
    assert not recorder.calls


def test_encode_defaults(recorder: RecordingServer, connect: Connect) -> None:
    """By default every special token in the text is an error."""
    answer(recorder, "Encode", service_pb2.EncodeResponse(tokens=[1]))
    assert connect(recorder.address).encode("a") == [1]
    request: Any = recorder.last_request("Encode")
    assert not request.allowed_special.all
    assert not request.allowed_special.tokens
    assert not request.HasField("disallowed_special")


def test_encode_special_tokens(recorder: RecordingServer, connect: Connect) -> None:
    """Special tokens are named one by one, or all at once."""
    client = connect(recorder.address)
    client.encode("a", allowed_special="all", disallowed_special=())
    request: Any = recorder.last_request("Encode")
    assert request.allowed_special == service_pb2.SpecialTokenSet(all=True)
    assert request.HasField("disallowed_special")
    assert request.disallowed_special == service_pb2.SpecialTokenSet()
    client.encode("a", allowed_special=["<|end|>"], disallowed_special={"<|call|>"})
    request = recorder.last_request("Encode")
    assert request.allowed_special == service_pb2.SpecialTokenSet(tokens=["<|end|>"])
    assert request.disallowed_special == service_pb2.SpecialTokenSet(tokens=["<|call|>"])


def test_a_string_is_not_a_set_of_special_tokens(
    recorder: RecordingServer, connect: Connect
) -> None:
    """Otherwise a string would become a set of its characters."""
    with pytest.raises(TypeError, match=re.escape("<|end|>")):
        connect(recorder.address).encode("a", allowed_special="<|end|>")


def test_decode(recorder: RecordingServer, connect: Connect) -> None:
    """By default invalid UTF-8 is replaced; `strict` refuses it."""
    answer(recorder, "Decode", service_pb2.DecodeResponse(text="é"))
    client = connect(recorder.address)
    assert client.decode([1]) == "é"
    assert recorder.last_request("Decode") == service_pb2.DecodeRequest(tokens=[1])
    client.decode([1], strict=True)
    assert recorder.last_request("Decode") == service_pb2.DecodeRequest(tokens=[1], strict=True)


def test_decode_bytes(recorder: RecordingServer, connect: Connect) -> None:
    """Bytes come unchanged."""
    answer(recorder, "Decode", service_pb2.DecodeResponse(data=b"\xff"))
    assert connect(recorder.address).decode_bytes([1]) == b"\xff"
    assert recorder.last_request("Decode") == service_pb2.DecodeRequest(tokens=[1], as_bytes=True)


def test_large_messages(recorder: RecordingServer, connect: Connect) -> None:
    """Requests and responses may exceed gRPC's usual limit of 4 MiB."""
    tokens = [200_000] * 3_000_000
    answer(recorder, "Encode", service_pb2.EncodeResponse(tokens=tokens))
    assert connect(recorder.address).encode("a" * 5_000_000) == tokens
