"""Promises of docs/security.md about hostile clients, against real servers."""

import json
import os
import signal
import socket
import ssl
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from devtools.certificates import Authority
from devtools.server_process import running_server
from harmony_client import (
    Client,
    HarmonyClientError,
    Unauthenticated,
    assistant,
    developer,
    function,
    system,
    tool,
    user,
)
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import failure_of
from tests.support.streams import ASSISTANT, config, tokens
from tests.support.waiting import eventually

_FIRST_SPECIAL_TOKEN = 199_998
_MIB = 1024 * 1024
_TIMEOUT_SECONDS = 60


@pytest.mark.parametrize(
    "spelling", ["<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>", "<|call|>"]
)
def test_text_forges_no_structure(server_address: str, spelling: str) -> None:
    """A conversation's strings never become special tokens, whatever they spell."""
    with Client(server_address) as client:
        assert _structure(client, f"a{spelling}b") == _structure(client, "ab")


def _structure(client: Client, text: str) -> list[int]:
    """Returns the special tokens of a conversation with a text in every string."""
    schema = {"type": text, "description": text, "enum": [text], "default": text}
    parameters = {"type": "object", "properties": {text: schema}, "required": [text]}
    prompt = client.render_conversation_for_completion(
        [
            system(model_identity=text, conversation_start_date=text, knowledge_cutoff=text),
            developer(text, functions=[function(text, text, parameters)]),
            user(text, name=text),
            assistant(text, channel=text, recipient=text, content_type=text),
            tool(text, text, channel=text, recipient=text, content_type=text),
        ],
        "assistant",
    )
    return [token for token in prompt if token >= _FIRST_SPECIAL_TOKEN]


@pytest.mark.long
def test_a_client_that_never_reads() -> None:
    """A client that never reads is no longer read from, blocks no one, and is closed as idle."""
    written = 0

    def requests() -> Iterator[parse_pb2.ParseRequest]:
        nonlocal written
        yield config(ASSISTANT)
        yield tokens([200008])
        for _ in range(10_000):
            written += 1
            yield tokens([87] * 20_000)

    def stopped() -> bool:
        """Says whether the client has not been able to write for a second."""
        earlier = written
        time.sleep(1)
        return earlier == written > 0

    arguments = ("--listen", "127.0.0.1:0", "--stream-idle-timeout-seconds", "2")
    with running_server(*arguments) as (process, address):
        before = _memory(process.pid)
        with grpc.insecure_channel(address) as channel, Client(address) as other:
            responses = HarmonyServiceStub(channel).Parse(requests(), timeout=_TIMEOUT_SECONDS)
            eventually(stopped)
            assert other.encode("Hello") == [13225]
            assert stopped()
            assert written < 10_000
            assert _memory(process.pid) - before < 64 * _MIB
            # Let the timeout pass: nothing shows its end before the client reads.
            time.sleep(3)
            failure = failure_of(lambda: list(responses))
        assert failure.metadata["limit"] == "stream_idle_timeout_seconds"


def test_a_compressed_request_counts_by_its_uncompressed_size() -> None:
    """A small request with an oversized uncompressed form is refused without unpacking it."""
    size = 512 * _MIB
    # An unknown field of 512 MiB of zeros.
    data = b"\x7a" + bytes([128, 128, 128, 128, 2]) + bytes(size)
    with running_server("--listen", "127.0.0.1:0") as (process, address):
        before = _memory(process.pid)
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(address, options, grpc.Compression.Gzip) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/harmony.v1.HarmonyService/Encode"
            )
            failure = failure_of(lambda: call(data, timeout=_TIMEOUT_SECONDS))
        assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert _memory(process.pid) - before < 128 * _MIB


def test_a_client_writes_no_lines_into_the_log(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """At any log level, the log has no text or token of a request, and its id stays one value."""
    (tmp_path / "tokens").write_text("secret-token")
    arguments = ["--auth-token-file", str(tmp_path / "tokens")]
    arguments += ["--log-level", "debug", "--log-format", "json"]
    text = 'secret-text\n{"event": "forged"}'
    metadata = [("authorization", "Bearer secret-token"), ("x-request-id", '"}{"' * 1000)]
    with (
        running_server("--listen", "127.0.0.1:0", *arguments) as (_, address),
        Client(address, metadata=metadata) as client,
    ):
        client.encode(text)
        client.render(user(text))
        with pytest.raises(HarmonyClientError):
            client.encode("secret-text<|end|>")
        with pytest.raises(HarmonyClientError):
            client.parse_messages(client.encode(text), role=None)
    log = capfd.readouterr().err
    assert "secret-" not in log
    lines = [json.loads(line) for line in log.splitlines()]
    ids = {line["request_id"] for line in lines if line.get("event") == "rpc"}
    assert len(ids) == 1
    assert len(ids.pop()) <= 128


def test_the_socket_needs_a_token_too(tmp_path: Path) -> None:
    """The Unix socket requires a bearer token too."""
    (tmp_path / "tokens").write_text("secret")
    with tempfile.TemporaryDirectory(prefix="harmony-") as folder:
        listen = f"unix://{folder}/harmony.sock"
        arguments = ("--listen", listen, "--auth-token-file", str(tmp_path / "tokens"))
        with running_server(*arguments) as (_, address):
            with Client(address) as stranger, pytest.raises(Unauthenticated):
                stranger.encode("Hello")
            with Client(address, metadata=[("authorization", "Bearer secret")]) as client:
                assert client.encode("Hello") == [13225]


def test_sighup_reads_the_tokens_now(tmp_path: Path) -> None:
    """SIGHUP makes the server read the token file, even if its modification time is unchanged."""
    path = tmp_path / "tokens"
    path.write_text("old")
    unchanged = path.stat()
    arguments = ("--listen", "127.0.0.1:0", "--auth-token-file", str(path))
    with running_server(*arguments) as (process, address):

        def admitted(token: str) -> bool:
            with Client(address, metadata=[("authorization", f"Bearer {token}")]) as client:
                try:
                    return client.encode("Hello") == [13225]
                except Unauthenticated:
                    return False

        path.write_text("new")
        os.utime(path, ns=(unchanged.st_atime_ns, unchanged.st_mtime_ns))
        assert (admitted("old"), admitted("new")) == (True, False)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: admitted("new"), _TIMEOUT_SECONDS)
        assert not admitted("old")


def test_the_authorities_of_clients_are_rotated(tmp_path: Path) -> None:
    """A client whose authority was removed from the file can no longer connect."""
    authority, old, new = Authority(), Authority("old"), Authority("new")
    certificate, key = authority.issue().write(tmp_path, "server")
    clients = tmp_path / "clients.pem"
    clients.write_bytes(old.certificate)
    arguments = ["--tls-certificate", certificate, "--tls-key", key]
    arguments += ["--tls-client-ca", str(clients)]

    def served(by: Authority) -> bool:
        identity = by.issue("client")
        credentials = grpc.ssl_channel_credentials(
            authority.certificate, identity.key, identity.certificate
        )
        with grpc.secure_channel(address, credentials) as channel:
            try:
                HarmonyServiceStub(channel).GetEncoding(
                    service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS
                )
            except grpc.RpcError:
                return False
        return True

    with running_server("--listen", "127.0.0.1:0", *arguments) as (_, address):
        assert (served(old), served(new)) == (True, False)
        clients.write_bytes(new.certificate)
        assert (served(old), served(new)) == (False, True)


def test_old_tls_is_refused(tmp_path: Path) -> None:
    """A client that supports no TLS version newer than 1.1 is refused."""
    certificate, key = Authority().issue().write(tmp_path, "server")
    arguments = ("--tls-certificate", certificate, "--tls-key", key)
    with running_server("--listen", "127.0.0.1:0", *arguments) as (_, address):
        assert _negotiated(address, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        assert _negotiated(address, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert _negotiated(address, ssl.TLSVersion.TLSv1_1) is None


def _negotiated(address: str, newest: ssl.TLSVersion) -> str | None:
    """Returns the TLS version negotiated with a client that supports none newer, or None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    # Otherwise this side would refuse old versions.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_TIMEOUT_SECONDS) as connection:
        try:
            with context.wrap_socket(connection) as encrypted:
                return encrypted.version()
        except ssl.SSLError:
            return None


def _memory(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss
