"""The metrics port serves scrapers whatever other clients do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from harmony_server.telemetry import metrics_port
from harmony_server.telemetry.metrics_port import MAX_CONNECTIONS, serve_metrics

_TIMEOUT_SECONDS = 30


@pytest.fixture
def port() -> int:
    """The port of a server with one metric."""
    return _serve()


def _serve(admitted: str | None = None) -> int:
    registry = CollectorRegistry()
    Gauge("harmony_test", "A test.", registry=registry).set(7)
    admit = None if admitted is None else admitted.__eq__
    return int(serve_metrics("127.0.0.1:0", registry, admit).rpartition(":")[2])


def _request(
    port: int, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request(method, "/metrics", headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()


@contextlib.contextmanager
def _connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS))
            for _ in range(count)
        ]


def test_it_serves_the_metrics(port: int) -> None:
    """GET returns the metrics, HEAD nothing, and other methods are refused."""
    status, body = _request(port)
    assert (status, b"harmony_test 7.0" in body) == (200, True)
    assert _request(port, "HEAD") == (200, b"")
    assert _request(port, "POST")[0] == 405


def test_idle_connections_do_not_keep_scrapers_out(port: int) -> None:
    """The oldest of too many idle connections is closed for a new one."""
    with _connections(port, 3 * MAX_CONNECTIONS) as idle:
        assert _request(port)[0] == 200
        assert idle[0].recv(1) == b""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: "])
def test_a_connection_ends_in_time(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is silent or slow is disconnected, also if it goes on sending."""
    monkeypatch.setattr(metrics_port, "CONNECTION_SECONDS", 0.2)
    with _connections(_serve(), 1) as [connection]:
        end = time.monotonic() + _TIMEOUT_SECONDS
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            connection.settimeout(0.05)
            while time.monotonic() < end:
                try:
                    if connection.recv(1) == b"":
                        return
                except TimeoutError:
                    connection.sendall(sent[-1:])
            pytest.fail("the connection is still open")


def test_a_request_without_an_end_is_refused(port: int) -> None:
    """Headers of more than 16 KiB end the connection."""
    with _connections(port, 1) as [connection], contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 4000)
        assert connection.recv(1) == b""


def test_a_token_may_be_required() -> None:
    """With tokens, a scraper without the right one gets 401 and no metrics."""
    port = _serve("Bearer secret")
    assert _request(port) == (401, b"")
    assert _request(port, headers={"Authorization": "Bearer other"}) == (401, b"")
    assert _request(port, headers={"Authorization": "Bearer secret"})[0] == 200
