"""Which addresses each worker listens on."""

from __future__ import annotations

import socket
from pathlib import PurePosixPath

from ..addresses import Address


class SharedPort:
    """A TCP address that all workers listen on; the kernel spreads connections over them.

    The supervisor holds the port, without listening, so that it stays the server's while a worker
    is restarted.

    Raises:
        OSError: It is in use, or not allowed.
    """

    def __init__(self, address: Address) -> None:
        try:
            self._held = _hold(address)
        except OSError as error:
            raise OSError(f"cannot listen on {address.text}: {error.strerror}") from None
        self.address = Address.parse(address.with_port(self._held.getsockname()[1]))

    def close(self) -> None:
        """Gives the port back."""
        self._held.close()


def socket_of_worker(address: Address, worker: int) -> Address:
    """Returns the Unix socket of a worker: `/run/h.sock` becomes `/run/h-0.sock` and so on.

    Connections to one path cannot be shared out as those to a port can.
    """
    assert address.socket_path is not None, "a TCP address is shared"
    path = PurePosixPath(address.socket_path)
    return Address.parse(f"unix://{path.with_name(f'{path.stem}-{worker}{path.suffix}')}")


def _hold(address: Address) -> socket.socket:
    # Where another server listens, to share its port would succeed; to have it alone does not.
    _bound(address, socket.SO_REUSEADDR).close()
    try:
        return _bound(address, socket.SO_REUSEPORT)
    except OSError:
        # Connections of a server that has stopped are still at the port, if that did not share it.
        return _bound(address, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bound(address: Address, *options: int) -> socket.socket:
    port = int(address.text.rpartition(":")[2])
    family, kind, protocol, _, target = socket.getaddrinfo(
        address.host, port, type=socket.SOCK_STREAM
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        for option in options:
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(target)
    except OSError:
        bound.close()
        raise
    return bound
