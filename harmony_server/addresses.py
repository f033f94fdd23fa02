"""Addresses that a server listens on: `host:port` or `unix:///path`."""

from dataclasses import dataclass
from typing import Self

_UNIX_PREFIX = "unix://"


class AddressError(ValueError):
    """The text is not an address; the message is meant for users."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on.

    Attributes:
        text: The address in gRPC's syntax.
        socket_path: The absolute path of a Unix socket, or None for a TCP address.
    """

    text: str
    socket_path: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an address; with port 0, the system chooses one.

        Raises:
            AddressError: The text is neither `host:port` nor `unix:///path`.
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
        """The host of a TCP address; IPv6 without brackets."""
        return self.text.rpartition(":")[0].strip("[]")

    def with_port(self, port: int) -> str:
        """Returns the address for clients to dial.

        Args:
            port: The port that the system chose; a Unix socket ignores it.
        """
        if self.socket_path is not None:
            return self.text
        return f"{self.text.rpartition(':')[0]}:{port}"
