"""Which addresses each worker listens on."""

from __future__ import annotations

import socket
from pathlib import PurePosixPath

from ..addresses import Address


class SharedPort:
    """A TCP address that all workers listen on; the kernel distributes connections among them.

    The supervisor binds the port until `close`, without listening, so that no other server can take
    it while workers restart.

    Attributes:
        address: The address, with the port that the system chose if it was 0.

    Raises:
        OSError: The address is in use, or the server is not allowed to listen there.
    """

    def __init__(self, address: Address) -> None:
        try:
            self._socket = _bind_shared(address)
        except OSError as error:
            raise OSError(f"cannot listen on {address.text}: {error.strerror}") from None
        self.address = Address.parse(address.with_port(self._socket.getsockname()[1]))

    def close(self) -> None:
        """Releases the port."""
        self._socket.close()


def socket_of_worker(address: Address, worker: int) -> Address:
    """Returns the Unix socket of a worker: `/run/h.sock` becomes `/run/h-0.sock` and so on.

    Each worker needs its own, because the kernel does not distribute connections to a path.
    """
    assert address.socket_path is not None, "workers share TCP addresses"
    path = PurePosixPath(address.socket_path)
    return Address.parse(f"unix://{path.with_name(f'{path.stem}-{worker}{path.suffix}')}")


def _bind_shared(address: Address) -> socket.socket:
    # Fails if another server listens there; with SO_REUSEPORT that could succeed.
    _bind(address, socket.SO_REUSEADDR).close()
    try:
        return _bind(address, socket.SO_REUSEPORT)
    except OSError:
        # Closing connections of an earlier server without SO_REUSEPORT still occupy the port.
        return _bind(address, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bind(address: Address, *options: int) -> socket.socket:
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
