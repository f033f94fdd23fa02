"""docs/errors.md matches the code."""

import json
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import pytest

from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_server.operations.errors import Reason, RequestError
from harmony_server.rpc.statuses import code_of
from harmony_server.service.answer_stream import AnswerStream
from harmony_server.service.batch_stream import BatchStream
from harmony_server.service.openai_unary import OpenAIService
from harmony_server.service.parse_stream import ParseStream
from harmony_server.service.unary import HarmonyService
from tests.support.failures import failure_of_status
from tests.support.operations import limits, operations
from tests.support.streams import ASSISTANT, config

_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "errors.md"
# Code, reason and metadata of each row of the first table.
_ROWS = re.findall(
    r"^\| `([A-Z_]+)` \| `([A-Z0-9_]+)` \|.*\| ([^|]*) \|$", _PAGE.read_text("utf-8"), re.MULTILINE
)
_DOCUMENTED = {
    reason: (code, set(re.findall(r"(?:^|; )`([a-z_]+)`:", metadata)))
    for code, reason, metadata in _ROWS
}


def _decode(*tokens: int, strict: bool = False) -> object:
    request = service_pb2.DecodeRequest(tokens=tokens, strict=strict)
    return HarmonyService(operations()).decode(request.SerializeToString()).do()


def _encode(text: str) -> object:
    request = service_pb2.EncodeRequest(text=text)
    return HarmonyService(operations()).encode(request.SerializeToString())


def _parse_messages(*tokens: int) -> object:
    request = service_pb2.ParseMessagesRequest(tokens=tokens)
    return HarmonyService(operations()).parse_messages(request.SerializeToString()).do()


def _parse_twice() -> object:
    stream = ParseStream(operations())
    stream.answer(config(ASSISTANT).SerializeToString())
    return stream.answer(config(ASSISTANT).SerializeToString())


def _render_response(**members: object) -> object:
    header = openai_pb2.AnswerHeader(id="resp_1", created=1)
    body = json.dumps({"model": "gpt-oss", "input": "Hi.", **members}).encode()
    policy = openai_pb2.RenderPolicy(unsupported_tools=openai_pb2.UNSUPPORTED_REJECT)
    request = openai_pb2.RenderModelResponseRequest(body_json=body, header=header, policy=policy)
    return OpenAIService(operations()).render_model_response(request.SerializeToString())


def _render_body(body: bytes) -> object:
    header = openai_pb2.AnswerHeader(id="chatcmpl-1", created=1)
    request = openai_pb2.RenderChatCompletionRequest(body_json=body, header=header)
    return OpenAIService(operations()).render_chat_completion(request.SerializeToString())


def _answer_unknown_choice() -> object:
    header = openai_pb2.AnswerHeader(id="chatcmpl-1", created=1, model="gpt-oss")
    context = openai_pb2.AnswerContext(
        api=openai_pb2.API_CHAT_COMPLETIONS, header=header, choices=1
    )
    stream = AnswerStream(operations())
    stream.answer(
        openai_pb2.StreamAnswerRequest(
            open=openai_pb2.OpenAnswer(context=context)
        ).SerializeToString()
    )
    step = openai_pb2.AnswerStep(tokens=[1], choices=[1])
    return stream.answer(openai_pb2.StreamAnswerRequest(step=step).SerializeToString())


_IMAGE = [{"role": "user", "content": [{"type": "input_image"}]}]
_RESULT = [{"type": "function_call_output", "call_id": "call_1", "output": ""}]

# Work that fails for the reason, in the layers below gRPC.
_FAILING: dict[Reason, Callable[[], object]] = {
    Reason.DISALLOWED_SPECIAL_TOKEN: lambda: _encode("<|end|>"),
    Reason.HISTORY_REQUIRED: lambda: _render_response(previous_response_id="resp_0"),
    Reason.INVALID_CONTEXT: lambda: OpenAIService(operations()).build_answer(b""),
    Reason.INVALID_FIELD: lambda: HarmonyService(operations()).render(b""),
    Reason.INVALID_TOKEN: lambda: _decode(300_000),
    Reason.INVALID_UTF8: lambda: _decode(4103, strict=True),
    Reason.LIMIT_EXCEEDED: lambda: limits(max_request_tokens=1).check_tokens(2, "tokens"),
    Reason.MALFORMED_BODY: lambda: _render_body(b"{"),
    Reason.MALFORMED_REQUEST: lambda: HarmonyService(operations()).encode(b"\xff"),
    Reason.OUT_OF_ORDER: _parse_twice,
    Reason.PARSE_FAILED: lambda: _parse_messages(200006),
    Reason.UNKNOWN_CALL_ID: lambda: _render_response(input=_RESULT),
    Reason.UNKNOWN_REFERENCE: lambda: _render_response(
        input=[{"type": "item_reference", "id": "msg_1"}]
    ),
    Reason.UNKNOWN_SEQUENCE: _answer_unknown_choice,
    Reason.UNKNOWN_TOOL: lambda: _render_response(tool_choice={"type": "function", "name": "f"}),
    Reason.UNSUPPORTED_CONTENT: lambda: _render_response(input=_IMAGE),
    Reason.UNSUPPORTED_ITEM: lambda: _render_response(input=[{"type": "dream"}]),
    Reason.UNSUPPORTED_TOOL: lambda: _render_response(tools=[{"type": "web_search"}]),
}
# Events of ParseBatch.
_FAILING_SEQUENCES: dict[Reason, parse_pb2.ParseBatchRequest] = {
    Reason.SEQUENCE_OPEN: parse_pb2.ParseBatchRequest(open=[{"sequence_id": 1}] * 2),
    Reason.SEQUENCE_UNKNOWN: parse_pb2.ParseBatchRequest(close=[1]),
}
# Reasons that a whole server gives; other tests compare all of their statuses.
_ELSEWHERE = {
    Reason.BEARER_TOKEN_REQUIRED,
    Reason.INTERNAL,
    Reason.SERVER_STOPPING,
    Reason.SERVICE_UNKNOWN,
}


def _codes_of(reasons: Iterable[Reason]) -> dict[str, str]:
    return {reason.value: code_of(RequestError(reason, "")).name for reason in reasons}


def test_every_reason_is_documented() -> None:
    """The page lists exactly the reasons of the enumeration."""
    assert sorted(reason for _, reason, _ in _ROWS) == sorted(Reason)
    assert {*_FAILING, *_FAILING_SEQUENCES, *_ELSEWHERE} == set(Reason)


def test_every_reason_has_the_status_of_the_page() -> None:
    """The status code of each reason is that of its row."""
    assert {reason: code for reason, (code, _) in _DOCUMENTED.items()} == _codes_of(Reason)


@pytest.mark.parametrize("reason", _FAILING)
def test_an_error_has_the_metadata_of_the_page(reason: Reason) -> None:
    """The metadata of an error has the keys of its row, and no others."""
    with pytest.raises(RequestError) as caught:
        _FAILING[reason]()
    assert caught.value.reason is reason
    assert set(caught.value.metadata) == _DOCUMENTED[reason][1]


@pytest.mark.parametrize("reason", _FAILING_SEQUENCES)
def test_an_error_of_a_sequence_has_the_metadata_of_the_page(reason: Reason) -> None:
    """So has the error of a single sequence."""
    answer: Any = BatchStream(operations()).answer(_FAILING_SEQUENCES[reason].SerializeToString())
    (event,) = parse_pb2.ParseBatchResponse.FromString(answer).events
    failure = failure_of_status(event.error)
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason == reason
    assert set(failure.metadata) == _DOCUMENTED[reason][1]


def test_errors_of_a_whole_server_have_their_metadata() -> None:
    """Of the reasons that only a server gives, an internal error alone has metadata."""
    assert {reason: _DOCUMENTED[reason][1] for reason in _ELSEWHERE} == {
        **{reason: set() for reason in _ELSEWHERE},
        Reason.INTERNAL: {"request_id"},
    }
