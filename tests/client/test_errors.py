"""Statuses and their rich details as exceptions."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import grpc
import pytest
from google.protobuf.message import Message

import harmony_client
from harmony_client import Client, FieldViolation, HarmonyClientError, RpcError
from harmony_client._google import error_details_pb2

from .recording_server import RecordingServer, bad_field, failing

Connect = Callable[..., Client]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (grpc.StatusCode.CANCELLED, "Cancelled"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded"),
        (grpc.StatusCode.FAILED_PRECONDITION, "FailedPrecondition"),
        (grpc.StatusCode.INTERNAL, "Internal"),
        (grpc.StatusCode.INVALID_ARGUMENT, "InvalidArgument"),
        (grpc.StatusCode.PERMISSION_DENIED, "PermissionDenied"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "ResourceExhausted"),
        (grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated"),
        (grpc.StatusCode.UNAVAILABLE, "Unavailable"),
        (grpc.StatusCode.UNIMPLEMENTED, "Unimplemented"),
        (grpc.StatusCode.UNKNOWN, "RpcError"),
        (grpc.StatusCode.DATA_LOSS, "RpcError"),
    ],
)
def test_each_status_has_its_class(
    recorder: RecordingServer, connect: Connect, code: grpc.StatusCode, name: str
) -> None:
    """The class tells the status; a status without a class of its own is an RpcError."""
    recorder.answers["GetEncoding"] = failing(code, "what happened")
    with pytest.raises(HarmonyClientError) as caught:
        connect(recorder.address).get_encoding()
    error = caught.value
    assert type(error) is getattr(harmony_client, name)
    assert isinstance(error, RpcError)
    assert error.code is code
    assert error.message == "what happened"
    assert str(error) == f"{code.name}: what happened"
    assert isinstance(error.__cause__, grpc.RpcError)


def test_rich_details(recorder: RecordingServer, connect: Connect) -> None:
    """The error has the reason, metadata and invalid fields; other details are ignored."""
    field = "conversation.messages[2].content[0]"
    recorder.answers["Render"] = failing(
        grpc.StatusCode.INVALID_ARGUMENT,
        "bad content",
        error_details_pb2.RetryInfo(),
        error_details_pb2.ErrorInfo(
            reason="CONTENT_INVALID", domain="harmony.v1", metadata={"offset": "7"}
        ),
        bad_field(field, "must be set"),
    )
    with pytest.raises(harmony_client.InvalidArgument) as caught:
        connect(recorder.address).render(harmony_client.user("Hi"))
    error = caught.value
    assert error.reason == "CONTENT_INVALID"
    assert error.metadata == {"offset": "7"}
    assert error.field_violations == (FieldViolation(field, "must be set"),)


def test_no_details(recorder: RecordingServer, connect: Connect) -> None:
    """An error without details has none, rather than empty names."""

    def answer(_: Message, context: grpc.ServicerContext) -> Message:
        context.abort(grpc.StatusCode.INTERNAL, "oops")

    recorder.answers["GetEncoding"] = answer
    with pytest.raises(harmony_client.Internal) as caught:
        connect(recorder.address).get_encoding()
    error = caught.value
    assert (error.reason, error.metadata, error.field_violations) == (None, {}, ())


def test_details_that_are_garbage(recorder: RecordingServer, connect: Connect) -> None:
    """Unreadable details do not hide the error."""

    def answer(_: Message, context: grpc.ServicerContext) -> Message:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        context.abort(grpc.StatusCode.INTERNAL, "oops")

    recorder.answers["GetEncoding"] = answer
    with pytest.raises(harmony_client.Internal) as caught:
        connect(recorder.address).get_encoding()
    assert caught.value.message == "oops"


def test_a_stream_that_a_proxy_reset(recorder: RecordingServer, connect: Connect) -> None:
    """The status of a proxy whose server died becomes that of a dead server: unavailable."""

    def answer(_: Message, context: grpc.ServicerContext) -> Message:
        context.abort(grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2")

    recorder.answers["GetEncoding"] = answer
    with pytest.raises(harmony_client.Unavailable):
        connect(recorder.address).get_encoding()


def test_errors_can_be_pickled() -> None:
    """Errors can cross process boundaries, as in worker pools."""
    error = harmony_client.InvalidArgument(
        grpc.StatusCode.INVALID_ARGUMENT, "bad", "R", {"a": "b"}, (FieldViolation("f", "d"),)
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
