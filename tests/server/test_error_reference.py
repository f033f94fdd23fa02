"""docs/errors.md matches the code."""

import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import pytest

from harmony_client.v1 import parse_pb2, service_pb2
from harmony_server.operations.errors import Reason, RequestError
from harmony_server.rpc.statuses import code_of
from harmony_server.service.batch_stream import BatchStream
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
    return HarmonyService(operations()).decode(request.SerializeToString())


def _encode(text: str) -> object:
    request = service_pb2.EncodeRequest(text=text)
    return HarmonyService(operations()).encode(request.SerializeToString())


def _parse_messages(*tokens: int) -> object:
    request = service_pb2.ParseMessagesRequest(tokens=tokens)
    return HarmonyService(operations()).parse_messages(request.SerializeToString())


def _parse_twice() -> object:
    stream = ParseStream(operations())
    stream.answer(config(ASSISTANT).SerializeToString())
    return stream.answer(config(ASSISTANT).SerializeToString())


# Work that fails for the reason, in the layers below gRPC.
_FAILING: dict[Reason, Callable[[], object]] = {
    Reason.DISALLOWED_SPECIAL_TOKEN: lambda: _encode("<|end|>"),
    Reason.INVALID_FIELD: lambda: HarmonyService(operations()).render(b""),
    Reason.INVALID_TOKEN: lambda: _decode(300_000),
    Reason.INVALID_UTF8: lambda: _decode(4103, strict=True),
    Reason.LIMIT_EXCEEDED: lambda: limits(max_request_tokens=1).check_tokens(2, "tokens"),
    Reason.MALFORMED_REQUEST: lambda: HarmonyService(operations()).encode(b"\xff"),
    Reason.OUT_OF_ORDER: _parse_twice,
    Reason.PARSE_FAILED: lambda: _parse_messages(200006),
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
