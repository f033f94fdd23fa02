"""The addresses a server listens on: `host:port` and `unix:///path`."""

from dataclasses import dataclass
from typing import Self

_UNIX_PREFIX = "unix://"


class AddressError(ValueError):
    """A text that is no address to listen on; its message is made for users."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on.

    Attributes:
        text: The address as gRPC takes it.
        socket_path: The path of a Unix socket, or None.
    """

    text: str
    socket_path: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an address; port 0 lets the system choose one.

        Raises:
            AddressError: It is neither `host:port` nor `unix:///path`.
        """
        if text.startswith(_UNIX_PREFIX):
            path = text.removeprefix(_UNIX_PREFIX)
            if not path.startswith("/"):
                raise AddressError(f"{text}: a Unix socket needs an absolute path")
            return cls(text=text, socket_path=path)
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit():
            raise AddressError(f"{text}: must be host:port or unix:///path")
        if int(port) > 65535:
            raise AddressError(f"{text}: the port must be at most 65535")
        return cls(text=text, socket_path=None)

    @property
    def host(self) -> str:
        """The host of a TCP address, an IPv6 one without its brackets."""
        return self.text.rpartition(":")[0].strip("[]")

    def with_port(self, port: int) -> str:
        """Returns the address as clients dial it, the port chosen."""
        if self.socket_path is not None:
            return self.text
        return f"{self.text.rpartition(':')[0]}:{port}"
