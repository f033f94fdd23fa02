"""TLS and mutual TLS against a real server, with certificates made for the test."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import grpc
import pytest

from devtools.certificates import Authority, Identity
from devtools.server_process import listens_on, running_server
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import failure_of, failure_of_error
from tests.support.standard_services import SERVING, health

_TIMEOUT_SECONDS = 30


@contextlib.contextmanager
def _tls_server(
    folder: Path,
    identity: Identity,
    client_ca: bytes | None = None,
    stderr: IO[bytes] | None = None,
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    certificate, key = identity.write(folder, "server")
    arguments = ["--listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key]
    if client_ca is not None:
        (folder / "clients.pem").write_bytes(client_ca)
        arguments += ["--tls-client-ca", str(folder / "clients.pem")]
    with running_server(*arguments, stderr=stderr) as (process, address):
        yield process, address


def _trusting(authority: Authority, client: Identity | None = None) -> grpc.ChannelCredentials:
    if client is None:
        return grpc.ssl_channel_credentials(authority.certificate)
    return grpc.ssl_channel_credentials(authority.certificate, client.key, client.certificate)


def _serves(address: str, credentials: grpc.ChannelCredentials) -> bool:
    """Returns whether a new connection is served; a refused handshake is UNAVAILABLE."""
    with grpc.secure_channel(address, credentials) as channel:
        try:
            HarmonyServiceStub(channel).GetEncoding(
                service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS
            )
        except grpc.RpcError as error:
            assert failure_of_error(error).code is grpc.StatusCode.UNAVAILABLE  # noqa: PT017
            return False
    return True


def test_tls(tmp_path: Path) -> None:
    """Only a client that uses TLS and trusts the server's authority is served."""
    authority = Authority()
    with _tls_server(tmp_path, authority.issue()) as (_, address):
        assert _serves(address, _trusting(authority))
        assert not _serves(address, _trusting(Authority()))
        with grpc.insecure_channel(address) as plain:
            stub = HarmonyServiceStub(plain)
            failure = failure_of(
                lambda: stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)
            )
        assert failure.code is grpc.StatusCode.UNAVAILABLE


def test_mutual_tls_is_required(tmp_path: Path) -> None:
    """With `--tls-client-ca`, only a client with a certificate from that authority is served."""
    authority, clients = Authority(), Authority("clients")
    with _tls_server(tmp_path, authority.issue(), clients.certificate) as (_, address):
        assert not _serves(address, _trusting(authority))
        assert not _serves(address, _trusting(authority, Authority().issue("stranger")))
        assert _serves(address, _trusting(authority, clients.issue("client")))
        with grpc.secure_channel(address, _trusting(authority, clients.issue("probe"))) as channel:
            assert health(channel) == SERVING


def test_a_new_certificate_reaches_every_address(tmp_path: Path) -> None:
    """Every address presents the new certificate from its next handshake on."""
    old, new = Authority(), Authority()
    certificate, key = old.issue().write(tmp_path, "server")
    arguments = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]
    arguments += ["--tls-certificate", certificate, "--tls-key", key]
    with running_server(*arguments) as (process, first):
        second = listens_on(process)
        addresses = [first, second, first, second]
        assert all(_serves(address, _trusting(old)) for address in addresses)
        new.issue().write(tmp_path, "server")
        assert all(_serves(address, _trusting(new)) for address in addresses)


def test_a_new_certificate_needs_no_restart(tmp_path: Path) -> None:
    """After the files change, new connections get the new certificate and open ones go on."""
    before, after = Authority("before"), Authority("after")
    with (
        _tls_server(tmp_path, before.issue()) as (_, address),
        grpc.secure_channel(address, _trusting(before)) as opened,
    ):
        stub = HarmonyServiceStub(opened)
        stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)
        after.issue().write(tmp_path, "server")
        assert _serves(address, _trusting(after))
        assert not _serves(address, _trusting(before))
        stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)


@pytest.mark.parametrize("by_signal", [False, True])
def test_an_unusable_certificate_changes_nothing(tmp_path: Path, by_signal: bool) -> None:
    """A certificate without its key is ignored until both files are right."""
    before, after = Authority("before"), Authority("after")
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        _tls_server(tmp_path, before.issue(), stderr=errors) as (process, address),
    ):
        new = after.issue()
        (tmp_path / "server.pem").write_bytes(new.certificate)
        if by_signal:
            process.send_signal(signal.SIGHUP)
            # The server logs it before any handshake could make it read the files.
            end = time.monotonic() + _TIMEOUT_SECONDS
            while b"cannot reload the TLS certificate" not in log.read_bytes():
                assert time.monotonic() < end, "the signal changed nothing"
                time.sleep(0.02)
        assert _serves(address, _trusting(before))
        (tmp_path / "server.key").write_bytes(b"not a key")
        assert _serves(address, _trusting(before))
        new.write(tmp_path, "server")
        assert _serves(address, _trusting(after))
