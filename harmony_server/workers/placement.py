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
    port = int(address.text.rpartition(":")[2])
    family, kind, protocol, _, target = socket.getaddrinfo(
        address.host, port, type=socket.SOCK_STREAM
    )[0]
    # Where another server listens, sharing its port would succeed: asked for alone it does not.
    with socket.socket(family, kind, protocol) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(target)
    held = socket.socket(family, kind, protocol)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(target)
    except OSError:
        held.close()
        raise
    return held
