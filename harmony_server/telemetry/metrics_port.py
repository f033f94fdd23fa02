"""The HTTP port of the metrics: a few connections, each for one request and a few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import http.client
import io
import logging
import socket
import threading
from collections.abc import Callable
from email.message import Message
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ..addresses import Address

# Room for several scrapers; beyond that, the oldest connection that has sent no request is closed.
MAX_CONNECTIONS: Final = 32
# From the connection to the last byte of the response. Prometheus gives up after ten by default.
CONNECTION_SECONDS: Final = 10.0
_MAX_REQUEST_BYTES: Final = 16 * 1024

_logger = logging.getLogger(__name__)

Admit = Callable[[str], bool]


def serve_metrics(address: str, registry: CollectorRegistry, admit: Admit | None = None) -> str:
    """Serves metrics over HTTP in a thread, until the process ends.

    Args:
        address: host:port; port 0: any free port.
        registry: The metrics.
        admit: Whether a value of the header Authorization may read them; None: everyone may.

    Returns:
        The address, with its actual port.

    Raises:
        OSError: The address is in use, or the server is not allowed to listen there.
    """
    parsed = Address.parse(address)
    port = int(address.rpartition(":")[2])
    try:
        family, _, _, _, target = socket.getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(target[:2], family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {error.strerror}") from None
    bound = parsed.with_port(listener.getsockname()[1])
    serving = _MetricsPort(registry, admit).serve(listener)
    threading.Thread(target=asyncio.run, args=(serving,), name="metrics", daemon=True).start()
    return bound


class _MetricsPort:
    def __init__(self, registry: CollectorRegistry, admit: Admit | None) -> None:
        self._registry = registry
        self._admit = admit
        # Connections without a whole request, the oldest first.
        self._waiting: dict[asyncio.Task[None], None] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Serves until the process ends."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                # Without a descriptor to spare, accepting at once again would spin.
                _logger.warning("cannot accept a connection for metrics: %s", error.strerror)
                await asyncio.sleep(1)
                continue
            if len(self._waiting) + len(self._answering) >= MAX_CONNECTIONS:
                if not self._waiting:
                    connection.close()
                    continue
                oldest = next(iter(self._waiting))
                del self._waiting[oldest]
                oldest.cancel()
            task = asyncio.create_task(self._handle(connection))
            self._waiting[task] = None
            # Not in the task, which may be cancelled before it begins.
            task.add_done_callback(functools.partial(self._end, connection))

    def _end(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        connection.close()
        self._waiting.pop(task, None)
        self._answering.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("cannot serve the metrics", exc_info=error)

    async def _handle(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        # Otherwise the client is slow or gone.
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CONNECTION_SECONDS):
                request = await _read_request(connection)
                if request is None:
                    return
                task = asyncio.current_task()
                assert task is not None, "connections have tasks"
                self._waiting.pop(task, None)
                self._answering.add(task)
                # Collecting asks the workers and waits for them.
                response = await asyncio.to_thread(self._respond, request)
                await loop.sock_sendall(connection, response)

    def _respond(self, request: bytes) -> bytes:
        line, _, rest = request.partition(b"\r\n")
        method = line.split(b" ")[0]
        try:
            headers: Message = http.client.parse_headers(io.BytesIO(rest))
        except http.client.HTTPException:
            return _response(HTTPStatus.BAD_REQUEST)
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        if self._admit is not None and not self._admit(headers.get("Authorization", "")):
            return _response(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        encode, content_type = choose_encoder(headers.get("Accept", ""))
        body = encode(self._registry)
        fields = {"Content-Type": content_type}
        if "gzip" in headers.get("Accept-Encoding", ""):
            fields["Content-Encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1)
        return _response(HTTPStatus.OK, fields, body, is_head=method == b"HEAD")


async def _read_request(connection: socket.socket) -> bytes | None:
    """Returns a request up to the end of its headers; None: the client sent something else."""
    loop = asyncio.get_running_loop()
    data = b""
    while b"\r\n\r\n" not in data:
        received = await loop.sock_recv(connection, 4096)
        data += received
        if not received or len(data) > _MAX_REQUEST_BYTES:
            return None
    return data


def _response(
    status: HTTPStatus,
    fields: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    is_head: bool = False,
) -> bytes:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (fields or {}).items()),
    ]
    head = "\r\n".join((*lines, "", "")).encode()
    return head if is_head else head + body
