"""Bearer tokens, against a real server."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import AsyncClient, Client, Unauthenticated
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.process.bearer_tokens import BearerTokens
from tests.support.failures import Failure, failure_of
from tests.support.standard_services import SERVING, health, watched_health
from tests.support.waiting import eventually

_REFUSED = Failure(
    grpc.StatusCode.UNAUTHENTICATED,
    "the metadata key authorization must be: Bearer, a space, a token of this server",
    "BEARER_TOKEN_REQUIRED",
    "harmony.v1",
)
_TIMEOUT_SECONDS = 30
_REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's token file."""
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text("first-token\n\n  second-token  \n")
    return path


@pytest.fixture(scope="module")
def address(tokens: Path) -> Iterator[str]:
    """The address of a server that requires a token."""
    arguments = ("--listen", "127.0.0.1:0", "--auth-token-file", str(tokens))
    with running_server(*arguments) as (_, bound):
        yield bound


def _get_encoding(address: str, *metadata: tuple[str, str]) -> None:
    with grpc.insecure_channel(address) as channel:
        HarmonyServiceStub(channel).GetEncoding(
            service_pb2.GetEncodingRequest(), metadata=metadata, timeout=20
        )


def _failure_of_stream(
    channel: grpc.Channel, method: str, metadata: tuple[tuple[str, str], ...] = ()
) -> Failure:
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
    return failure_of(lambda: list(call(iter(()), metadata=metadata, timeout=20)))


@pytest.mark.parametrize("token", ["first-token", "second-token"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_token_in_the_file_is_accepted(address: str, scheme: str, token: str) -> None:
    """Every token in the file is accepted, and the scheme in any case."""
    _get_encoding(address, ("authorization", f"{scheme} {token}"))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer first-toke",
        "Basic first-token",
        "first-token",
    ],
)
def test_a_wrong_token_is_refused(address: str, value: str) -> None:
    """A value other than `Bearer` and a valid token is UNAUTHENTICATED, with a reason."""
    assert failure_of(lambda: _get_encoding(address, ("authorization", value))) == _REFUSED


def test_a_missing_token_is_refused(address: str) -> None:
    """A call without the metadata key is UNAUTHENTICATED too."""
    assert failure_of(lambda: _get_encoding(address)) == _REFUSED


@pytest.mark.parametrize("method", ["Parse", "ParseBatch"])
def test_streams_need_a_token(address: str, method: str) -> None:
    """A stream without a token is refused before its first request."""
    with grpc.insecure_channel(address) as channel:
        call = getattr(HarmonyServiceStub(channel), method)
        failure = failure_of(lambda: list(call(iter(()), timeout=20)))
    assert failure == _REFUSED


def test_health_needs_no_token(address: str) -> None:
    """Probes and load balancers may check and watch health without a token."""
    with grpc.insecure_channel(address) as channel:
        assert health(channel) == SERVING
        with watched_health(channel) as states:
            assert next(states).status == SERVING


def test_unknown_methods_need_a_token(address: str) -> None:
    """Without a token, a call cannot find out which methods exist."""
    with grpc.insecure_channel(address) as channel:
        for method in ("/harmony.v1.HarmonyService/Nothing", "/other/Service", _REFLECTION):
            assert _failure_of_stream(channel, method) == _REFUSED


def test_reflection_is_off_by_default(address: str) -> None:
    """With authentication, reflection is off by default, even for a call with a token."""
    with grpc.insecure_channel(address) as channel:
        metadata = (("authorization", "Bearer first-token"),)
        failure = _failure_of_stream(channel, _REFLECTION, metadata)
    assert failure.code is grpc.StatusCode.UNIMPLEMENTED


async def test_the_clients_send_a_token(address: str) -> None:
    """Both clients send the token they are given; without one they raise `Unauthenticated`."""
    metadata = [("authorization", "Bearer first-token")]
    with Client(address, metadata=metadata) as client:
        assert client.encode("Hello") == [13225]
    async with AsyncClient(address, metadata=metadata) as async_client:
        assert await async_client.encode("Hello") == [13225]
    with Client(address) as stranger, pytest.raises(Unauthenticated):
        stranger.encode("Hello")


@pytest.mark.parametrize("by_signal", [False, True])
def test_tokens_are_rotated(tmp_path: Path, by_signal: bool) -> None:
    """A changed file takes effect when it has settled; an empty or missing one changes nothing."""
    path, log = tmp_path / "tokens", tmp_path / "log"
    path.write_text("old")
    arguments = ("--listen", "127.0.0.1:0", "--auth-token-file", str(path))
    with log.open("wb") as errors, running_server(*arguments, stderr=errors) as (process, address):

        def change(text: str) -> None:
            logged = log.read_bytes().count(b"\n")
            path.write_text(text)
            if by_signal:
                process.send_signal(signal.SIGHUP)
            end = time.monotonic() + _TIMEOUT_SECONDS
            # Without a signal, a call after the file has settled reads it.
            while log.read_bytes().count(b"\n") == logged:
                assert time.monotonic() < end, "the change was not noticed"
                if not by_signal:
                    failure_of(lambda: _get_encoding(address, ("authorization", "Bearer x")))
                time.sleep(0.02)

        _get_encoding(address, ("authorization", "Bearer old"))
        change("new\nold")
        _get_encoding(address, ("authorization", "Bearer old"))
        _get_encoding(address, ("authorization", "Bearer new"))
        change("new")
        stale = failure_of(lambda: _get_encoding(address, ("authorization", "Bearer old")))
        assert stale == _REFUSED
        change("\n")
        _get_encoding(address, ("authorization", "Bearer new"))
        path.unlink()
        _get_encoding(address, ("authorization", "Bearer new"))


def _is_refused(client: Client) -> bool:
    try:
        client.encode("Hello")
    except Unauthenticated:
        return True
    return False


def test_an_open_stream_outlives_its_token(tmp_path: Path) -> None:
    """A token is checked when an RPC begins, and not again."""
    path = tmp_path / "tokens"
    path.write_text("old")
    with (
        running_server("--listen", "127.0.0.1:0", "--auth-token-file", str(path)) as (_, address),
        Client(address, metadata=[("authorization", "Bearer old")]) as client,
        client.open_parse(role="assistant") as stream,
    ):
        stream.feed([200008])
        path.write_text("new")
        eventually(lambda: _is_refused(client))
        stream.feed([87])
        [completed] = [
            event for event in stream.finish() if isinstance(event, parse_pb2.MessageCompleted)
        ]
        assert completed.message.content[0].text.text == "x"


@pytest.mark.parametrize(
    ("text", "admitted"),
    [("one\n# two\n\n three \n", {"one", "three"}), ("# one\none", {"one"})],
)
def test_comments_and_empty_lines_are_no_tokens(
    tmp_path: Path, text: str, admitted: set[str]
) -> None:
    """Lines that begin with # admit nobody."""
    path = tmp_path / "tokens"
    path.write_text(text)
    tokens = BearerTokens(str(path))
    candidates = ("one", "# two", "two", "three", "", "#", "# one")
    assert {token for token in candidates if tokens.admit(f"Bearer {token}")} == admitted


@pytest.mark.parametrize("text", ["a b", "caf\u00e9", "x\ny\x00", "#only\n"])
def test_a_line_that_cannot_be_a_token_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the line, or says that there is no token."""
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"not a token|has no token"):
        BearerTokens(str(path))


def test_a_file_that_is_being_written_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a token is not admitted; once the file has settled, the whole one is."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    path = tmp_path / "tokens"
    path.write_text("old")
    tokens = BearerTokens(str(path))
    path.write_text("half")
    for text in ("half", "half-and-half", "half-and-half-and-half"):
        path.write_text(text)
        now += 0.9
        assert tokens.admit("Bearer old")
        assert not tokens.admit("Bearer half")
    now += 1.1
    assert tokens.admit("Bearer half-and-half-and-half")
    assert not tokens.admit("Bearer old")


def test_a_fifo_blocks_nobody(tmp_path: Path) -> None:
    """A FIFO in the file's place is refused, and while the server runs, keeps the old tokens."""
    path = tmp_path / "tokens"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="not a regular file"):
        BearerTokens(str(path))
    path.unlink()
    path.write_text("old")
    tokens = BearerTokens(str(path))
    path.unlink()
    os.mkfifo(path)
    tokens.reload()
    assert tokens.admit("Bearer old")
