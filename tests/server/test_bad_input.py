"""Invalid requests: the error names the field and leaks nothing, and the server stays healthy."""

from collections.abc import Callable, Iterator
from typing import cast

import grpc
import pytest

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.contract.methods import METHODS
from tests.support.encodings import tokens_of
from tests.support.failures import Failure, failure_of
from tests.support.messages import conversation, message, text, user, with_parameters
from tests.support.operations import limits
from tests.support.standard_services import SERVING, health

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_SYSTEM = chat.Content(system=chat.SystemContent())
_DEVELOPER = chat.Content(developer=chat.DeveloperContent())
_MAX_BYTES = limits().request_bytes
# An enum of proto3 takes any number, which the stubs do not say.
_ROLE_99 = cast(chat.Role, 99)
_EFFORT_99 = cast(chat.ReasoningEffort, 99)
_BUILTIN_99 = cast(chat.BuiltinTool, 99)


@pytest.fixture(autouse=True)
def _still_healthy(channel: grpc.Channel, stub: HarmonyServiceStub) -> Iterator[None]:
    """After every test in this module the server is healthy and renders."""
    yield
    assert health(channel) == SERVING
    answer = stub.Render(pb.RenderRequest(message=user("Hello")))
    assert list(answer.tokens) == [200006, 1428, 200008, 13225, 200007]


def _assert_invalid_field(failure: Failure, field: str) -> None:
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "INVALID_FIELD",
        "harmony.v1",
    )
    assert failure.fields == (field,)
    assert failure.message.startswith(f"{field}: ")
    assert failure.metadata == {}


# Messages


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (chat.Message(), "author.role"),
        (message(chat.ROLE_UNSPECIFIED, text("x")), "author.role"),
        (message(_ROLE_99, text("x")), "author.role"),
        (message(chat.ROLE_TOOL, text("x")), "author.name"),
        (message(chat.ROLE_USER, _SYSTEM), "content[0]"),
        (message(chat.ROLE_DEVELOPER, text("x"), _SYSTEM), "content[1]"),
        (message(chat.ROLE_SYSTEM, _DEVELOPER), "content[0]"),
        (message(chat.ROLE_USER, text("x"), chat.Content()), "content[1]"),
    ],
    ids=[
        "no author",
        "unset role",
        "unknown role",
        "tool without a name",
        "system content in a user message",
        "system content in a developer message",
        "developer content in a system message",
        "content without a kind",
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_a_message_that_cannot_be_rendered(
    stub: HarmonyServiceStub, item: chat.Message, field: str, place: int
) -> None:
    """The error names the field by its path, for a lone message and in a conversation."""
    alone = failure_of(lambda: stub.Render(pb.RenderRequest(message=item)))
    _assert_invalid_field(alone, f"message.{field}")
    whole = conversation(*[user("x")] * place, item)
    path = f"conversation.messages[{place}].{field}"
    calls: list[Callable[[], object]] = [
        lambda: stub.RenderConversation(pb.RenderConversationRequest(conversation=whole)),
        lambda: stub.RenderConversationForTraining(
            pb.RenderConversationForTrainingRequest(conversation=whole)
        ),
        lambda: stub.RenderConversationForCompletion(
            pb.RenderConversationForCompletionRequest(
                conversation=whole, next_turn_role=chat.ROLE_ASSISTANT
            )
        ),
    ]
    for call in calls:
        _assert_invalid_field(failure_of(call), path)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (chat.SystemContent(reasoning_effort=_EFFORT_99), "reasoning_effort"),
        (
            chat.SystemContent(builtin_tools=[chat.BUILTIN_TOOL_UNSPECIFIED]),
            "builtin_tools[0]",
        ),
        (
            chat.SystemContent(builtin_tools=[chat.BUILTIN_TOOL_PYTHON, _BUILTIN_99]),
            "builtin_tools[1]",
        ),
        (chat.SystemContent(builtin_tools=[chat.BUILTIN_TOOL_PYTHON] * 2), "builtin_tools[1]"),
        (
            chat.SystemContent(
                tools=[chat.ToolNamespaceConfig(name="python")],
                builtin_tools=[chat.BUILTIN_TOOL_PYTHON],
            ),
            "builtin_tools[0]",
        ),
        (
            chat.SystemContent(
                tools=[
                    chat.ToolNamespaceConfig(name="a"),
                    chat.ToolNamespaceConfig(name="b", key="a"),
                ]
            ),
            "tools[1]",
        ),
    ],
    ids=[
        "unknown effort",
        "unspecified tool",
        "unknown tool",
        "tool given twice",
        "tool and namespace",
        "key given twice",
    ],
)
def test_a_system_content_that_cannot_be_rendered(
    stub: HarmonyServiceStub, content: chat.SystemContent, field: str
) -> None:
    """Unknown enum values and namespaces with the same key are refused."""
    item = message(chat.ROLE_SYSTEM, chat.Content(system=content))
    failure = failure_of(lambda: stub.Render(pb.RenderRequest(message=item)))
    _assert_invalid_field(failure, f"message.content[0].system.{field}")


# Tool parameters


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("", "not JSON at line 1, column 1"),
        ("{", "not JSON at line 1, column 2"),
        ('{\n"a": }', "not JSON at line 2, column 6"),
        ("[]", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ("5", "must be a JSON object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "number out of range"),
        ('{"a": ' + "9" * 5000 + "}", "number out of range"),
        ('{"a": 1, "b": 2, "a": 3}', 'duplicate key "a"'),
        ('{"a": {"b": 1, "\\u0062": 2}}', 'duplicate key "b"'),
        ('{"a": "\\ud800"}', "lone surrogate"),
        ('{"\\udc00": 1}', "lone surrogate"),
        ('{"a": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested deeper"),
        ('{"a":' * 10_000 + "{}" + "}" * 10_000, "nested deeper"),
        ("[" * 100_000, ""),
    ],
    ids=[
        "empty",
        "cut off",
        "second line",
        "array",
        "string",
        "number",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "5000 digits",
        "duplicate key",
        "duplicate nested key",
        "lone surrogate",
        "lone surrogate in a key",
        "10,000 arrays deep",
        "10,000 objects deep",
        "100,000 open brackets",
    ],
)
def test_parameters_that_cannot_be_rendered(
    stub: HarmonyServiceStub, parameters: str, words: str
) -> None:
    """Parameters that are not an unambiguous JSON object are refused, in the server's own words."""
    request = pb.RenderConversationRequest(
        conversation=conversation(user("x"), with_parameters(parameters))
    )
    failure = failure_of(lambda: stub.RenderConversation(request))
    _assert_invalid_field(
        failure,
        "conversation.messages[1].content[0].developer.tools[0].tools[0].parameters_json",
    )
    assert words in failure.message


@pytest.mark.parametrize(
    "parameters", ['{"a":' * 119 + "{}" + "}" * 119, '{"a":' + "[" * 119 + "]" * 119 + "}"]
)
def test_parameters_of_120_levels_are_rendered(stub: HarmonyServiceStub, parameters: str) -> None:
    """120 levels of nesting are allowed, as the contract says."""
    assert stub.Render(pb.RenderRequest(message=with_parameters(parameters))).tokens


def test_parameters_beyond_120_levels_are_refused(stub: HarmonyServiceStub) -> None:
    """The 121st level of nesting is refused, as the contract says."""
    parameters = '{"a":' * 120 + "{}" + "}" * 120
    request = pb.RenderRequest(message=with_parameters(parameters))
    failure = failure_of(lambda: stub.Render(request))
    _assert_invalid_field(failure, "message.content[0].developer.tools[0].tools[0].parameters_json")


# Requests as a whole


@pytest.mark.parametrize(
    ("method", "field"),
    [
        ("Render", "message"),
        ("RenderConversation", "conversation"),
        ("RenderConversationForCompletion", "conversation"),
        ("RenderConversationForTraining", "conversation"),
    ],
)
def test_an_empty_request_lacks_a_field(channel: grpc.Channel, method: str, field: str) -> None:
    """A request without a required field is refused with the field's name."""
    _assert_invalid_field(failure_of(lambda: _call(channel, method, b"")), field)


@pytest.mark.parametrize("method", ["GetEncoding", "ParseMessages", "Encode", "Decode"])
def test_an_empty_request_without_required_fields(channel: grpc.Channel, method: str) -> None:
    """An empty request is served if the method requires no field."""
    assert isinstance(_call(channel, method, b""), bytes)


@pytest.mark.parametrize("role", [chat.ROLE_UNSPECIFIED, _ROLE_99])
def test_a_prompt_needs_the_next_role(stub: HarmonyServiceStub, role: chat.Role) -> None:
    """A prompt without a valid role for the next turn is refused."""
    request = pb.RenderConversationForCompletionRequest(
        conversation=conversation(), next_turn_role=role
    )
    failure = failure_of(lambda: stub.RenderConversationForCompletion(request))
    _assert_invalid_field(failure, "next_turn_role")


@pytest.mark.parametrize(
    "config",
    [
        pb.RenderConversationConfig(auto_drop_analysis=True, analysis=pb.ANALYSIS_RULE_KEEP),
        pb.RenderConversationConfig(auto_drop_analysis=False, analysis=pb.ANALYSIS_RULE_NONE),
        pb.RenderConversationConfig(analysis=cast(pb.AnalysisRule, 99)),
    ],
)
def test_a_wrong_rule_for_analysis(
    stub: HarmonyServiceStub, config: pb.RenderConversationConfig
) -> None:
    """An unknown rule for analysis, or one beside `auto_drop_analysis`, is refused."""
    request = pb.RenderConversationRequest(conversation=conversation(), config=config)
    failure = failure_of(lambda: stub.RenderConversation(request))
    _assert_invalid_field(failure, "config.analysis")


@pytest.mark.parametrize(
    "method", [name for name, method in METHODS.items() if not method.streaming]
)
@pytest.mark.parametrize(
    "data", [b"\x0a\xff", b"\xff" * 20, b"\x0a\x05ab"], ids=["cut off", "noise", "too short"]
)
def test_a_request_that_does_not_parse(channel: grpc.Channel, method: str, data: bytes) -> None:
    """Bytes that do not parse are refused with the name of the message and nothing more."""
    failure = failure_of(lambda: _call(channel, method, data))
    assert failure == Failure(
        _INVALID,
        f"the request is not a valid harmony.v1.{method}Request",
        "MALFORMED_REQUEST",
        "harmony.v1",
    )


@pytest.mark.parametrize(
    "method",
    [
        *("Render", "RenderConversation"),
        *("RenderConversationForCompletion", "RenderConversationForTraining"),
    ],
)
def test_a_nested_message_that_does_not_parse(channel: grpc.Channel, method: str) -> None:
    """A request with a malformed message inside is refused too."""
    inner = b"\x0a\x05ab" if method == "Render" else b"\x0a\x04\x0a\x05ab"
    next_turn_role = b"\x10\x02" if method == "RenderConversationForCompletion" else b""
    data = b"\x0a" + bytes([len(inner)]) + inner + next_turn_role
    failure = failure_of(lambda: _call(channel, method, data))
    assert (failure.code, failure.reason) == (_INVALID, "MALFORMED_REQUEST")


def test_text_that_is_not_utf8(channel: grpc.Channel) -> None:
    """A text field that is not UTF-8 is refused."""
    failure = failure_of(lambda: _call(channel, "Encode", b"\x0a\x02\xff\xfe"))
    assert failure.reason == "MALFORMED_REQUEST"


@pytest.mark.parametrize("method", ["Parse", "ParseBatch"])
def test_a_malformed_request_ends_a_stream(channel: grpc.Channel, method: str) -> None:
    """On a stream, bytes that do not parse end it with the same error."""
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        f"/harmony.v1.HarmonyService/{method}"
    )
    failure = failure_of(lambda: list(call(iter([b"\xff" * 20]), timeout=20)))
    assert (failure.code, failure.reason) == (_INVALID, "MALFORMED_REQUEST")
    assert failure.message == f"the request is not a valid harmony.v1.{method}Request"


@pytest.mark.parametrize(
    "content",
    [
        [
            chat.Content(
                system=chat.SystemContent(
                    builtin_tools=["BUILTIN_TOOL_BROWSER", "BUILTIN_TOOL_PYTHON"]
                )
            )
        ]
        * 6000,
        [
            chat.Content(
                developer=chat.DeveloperContent(
                    tools=[
                        chat.ToolNamespaceConfig(
                            name="functions", tools=[chat.ToolDescription()] * 17_000
                        )
                    ]
                )
            )
        ],
        [
            chat.Content(
                developer=chat.DeveloperContent(
                    response_formats=[chat.ResponseFormat(schema_json="{}")] * 17_000
                )
            )
        ],
    ],
    ids=["contents", "tools", "formats"],
)
def test_a_message_with_too_many_parts(
    stub: HarmonyServiceStub, content: list[chat.Content]
) -> None:
    """Contents, tools and formats are limited in number: each costs more than its bytes."""
    message = chat.Message(author=chat.Author(role=chat.ROLE_SYSTEM), content=content)
    failure = failure_of(lambda: stub.Render(pb.RenderRequest(message=message)))
    _assert_invalid_field(failure, "message.content")


def test_a_request_over_the_size_limit(channel: grpc.Channel) -> None:
    """A request over the size limit is RESOURCE_EXHAUSTED."""
    failure = failure_of(lambda: _call(channel, "Encode", b"\0" * (_MAX_BYTES + 1)))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_request_below_the_size_limit(channel: grpc.Channel) -> None:
    """A request just under the size limit is served, here one unknown field."""
    size = _MAX_BYTES - 16
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    assert _call(channel, "Encode", b"\x7a" + length + bytes(size)) == b""


def test_an_unknown_method(channel: grpc.Channel) -> None:
    """A method that the service does not have is UNIMPLEMENTED."""
    assert failure_of(lambda: _call(channel, "Other", b"")).code is grpc.StatusCode.UNIMPLEMENTED


def _call(channel: grpc.Channel, method: str, data: bytes) -> bytes:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        f"/harmony.v1.HarmonyService/{method}"
    )
    return call(data, timeout=20)


# Parsing


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ParseMessagesRequest(role=chat.ROLE_UNSPECIFIED), "role"),
        (pb.ParseMessagesRequest(role=_ROLE_99), "role"),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(max_header_tokens=0)),
            "options.max_header_tokens",
        ),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(max_header_tokens=4097)),
            "options.max_header_tokens",
        ),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(strict=True, recover=True)),
            "options.recover",
        ),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(callable_names=["f"] * 1025)),
            "options.callable_names",
        ),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(channels=["x" * 65_536, "y"])),
            "options.channels",
        ),
        (
            pb.ParseMessagesRequest(options=parse.ParseOptions(callable_names=["f", ""])),
            "options.callable_names[1]",
        ),
    ],
    ids=[
        *("unset role", "unknown role", "no header", "long header", "strict and recover"),
        *("too many names", "too long names", "empty name"),
    ],
)
def test_invalid_parse_options(
    stub: HarmonyServiceStub, request_: pb.ParseMessagesRequest, field: str
) -> None:
    """Invalid roles, header bounds out of range and contradicting options are refused."""
    _assert_invalid_field(failure_of(lambda: stub.ParseMessages(request_)), field)


@pytest.mark.parametrize(
    ("tokens", "role", "metadata"),
    [
        (tokens_of("x"), None, {"token": "87", "offset": "0", "state": "ExpectStart"}),
        (
            tokens_of("<|start|>assistant"),
            None,
            {"token": "", "offset": "2", "state": "Header", "cut_off": "true"},
        ),
        (
            tokens_of("<|channel|><|message|>"),
            chat.ROLE_ASSISTANT,
            {"token": "200008", "offset": "1", "state": "Header"},
        ),
        (
            tokens_of("<|message|>x<|end|>y"),
            chat.ROLE_ASSISTANT,
            {"token": "88", "offset": "3", "state": "ExpectStart"},
        ),
        (
            [300000, 200008],
            chat.ROLE_ASSISTANT,
            {"token": "200008", "offset": "1", "state": "Header"},
        ),
        ([2**32 - 1], None, {"token": str(2**32 - 1), "offset": "0", "state": "ExpectStart"}),
        (
            [87] * 4097,
            chat.ROLE_ASSISTANT,
            {"token": "87", "offset": "4096", "state": "Header"},
        ),
    ],
    ids=[
        "no start",
        "header cut off",
        "empty channel",
        "text after the end",
        "unknown id in a header",
        "largest id",
        "endless header",
    ],
)
def test_a_malformed_completion(
    stub: HarmonyServiceStub, tokens: list[int], role: chat.Role | None, metadata: dict[str, str]
) -> None:
    """Malformed output is PARSE_FAILED, with the token, its offset and the parser's state."""
    request = pb.ParseMessagesRequest(tokens=tokens, role=role)
    failure = failure_of(lambda: stub.ParseMessages(request))
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "PARSE_FAILED",
        "harmony.v1",
    )
    assert failure.metadata == metadata


def test_the_header_limit_can_be_lowered(stub: HarmonyServiceStub) -> None:
    """A request can lower the limit on header tokens."""
    request = pb.ParseMessagesRequest(
        tokens=[87, 87, 87, 200008],
        role=chat.ROLE_ASSISTANT,
        options=parse.ParseOptions(max_header_tokens=2),
    )
    failure = failure_of(lambda: stub.ParseMessages(request))
    assert failure.metadata == {"token": "87", "offset": "2", "state": "Header"}
    request.options.max_header_tokens = 3
    assert stub.ParseMessages(request).messages


# Encode and Decode


def test_text_with_a_disallowed_special_token(stub: HarmonyServiceStub) -> None:
    """By default special tokens in text are refused; the error names the first one."""
    failure = failure_of(lambda: stub.Encode(pb.EncodeRequest(text="a<|start|>")))
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "DISALLOWED_SPECIAL_TOKEN",
        "harmony.v1",
    )
    assert failure.fields == ("text",)
    assert failure.metadata == {"special_token": "<|start|>"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (
            pb.EncodeRequest(allowed_special=pb.SpecialTokenSet(tokens=["<|start|>", "x"])),
            "allowed_special.tokens[1]",
        ),
        (
            pb.EncodeRequest(disallowed_special=pb.SpecialTokenSet(tokens=["<|endofprompt|>"])),
            "disallowed_special.tokens[0]",
        ),
        (
            pb.EncodeRequest(allowed_special=pb.SpecialTokenSet(all=True, tokens=["<|end|>"])),
            "allowed_special.tokens",
        ),
    ],
    ids=["unknown allowed", "unknown disallowed", "all and some"],
)
def test_invalid_sets_of_special_tokens(
    stub: HarmonyServiceStub, request_: pb.EncodeRequest, field: str
) -> None:
    """A set may only list special tokens, and must not combine a list with `all`."""
    _assert_invalid_field(failure_of(lambda: stub.Encode(request_)), field)


@pytest.mark.parametrize("token", [201089, 2**32 - 1])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_ids_outside_of_the_vocabulary_cannot_be_decoded(
    stub: HarmonyServiceStub, token: int, as_bytes: bool
) -> None:
    """An id outside the vocabulary is refused; the error names the id and its index."""
    request = pb.DecodeRequest(tokens=[87, 201088, token], as_bytes=as_bytes)
    assert failure_of(lambda: stub.Decode(request)) == Failure(
        _INVALID,
        f"tokens[2]: {token} is not in the vocabulary",
        "INVALID_TOKEN",
        "harmony.v1",
        {"token": str(token)},
        ("tokens[2]",),
    )


def test_bytes_that_are_not_utf8_can_be_refused(stub: HarmonyServiceStub) -> None:
    """With `strict`, invalid UTF-8 is refused; the error has the offset of the first bad byte."""
    failure = failure_of(lambda: stub.Decode(pb.DecodeRequest(tokens=[87, 4103], strict=True)))
    assert (failure.code, failure.reason, failure.domain) == (
        _INVALID,
        "INVALID_UTF8",
        "harmony.v1",
    )
    assert failure.fields == ("tokens",)
    assert failure.metadata == {"byte": "1"}


@pytest.mark.parametrize("text", ["a word ", "\N{SNOWMAN} ", "\N{PILE OF POO} "])
def test_a_long_error_is_cut(stub: HarmonyServiceStub, text: str) -> None:
    """A message is cut after 1,000 bytes, since gRPC loses a much larger status."""
    parameters = '{"' + text * 5000 + '": 1' + "}" * 2
    calls: list[tuple[Callable[[], object], str]] = [
        (
            lambda: stub.ParseMessages(
                pb.ParseMessagesRequest(tokens=tokens_of("<|start|>" + text * 1000 + "<|message|>"))
            ),
            "PARSE_FAILED",
        ),
        (
            lambda: stub.Render(pb.RenderRequest(message=with_parameters(parameters))),
            "INVALID_FIELD",
        ),
    ]
    for call, reason in calls:
        failure = failure_of(call)
        assert (failure.code, failure.reason) == (_INVALID, reason)
        assert len(failure.message.encode()) <= 1000 + len("…".encode())
