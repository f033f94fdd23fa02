"""A Unix socket's folder, mode and lock."""

import pathlib
import stat

import pytest

from devtools.server_process import running_server
from harmony_client import Client


def _mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("setting", "socket_mode", "folder_mode"),
    [(None, 0o660, 0o710), ("0600", 0o600, 0o700), ("666", 0o666, 0o711)],
)
def test_who_may_connect(
    sockets: pathlib.Path, setting: str | None, socket_mode: int, folder_mode: int
) -> None:
    """The socket has the configured mode, and a folder that the server creates has one to match."""
    socket = sockets / "folder" / "harmony.sock"
    arguments = [] if setting is None else ["--socket-mode", setting]
    with running_server("--listen", f"unix://{socket}", *arguments) as (_, address):
        assert _mode(socket) == socket_mode
        assert _mode(socket.parent) == folder_mode
        assert _mode(socket.with_name("harmony.sock.lock")) == 0o600
        with Client(address) as client:
            assert client.encode("Hello") == [13225]


def test_an_existing_folder_keeps_its_mode(sockets: pathlib.Path) -> None:
    """The server does not change the mode of an existing folder."""
    sockets.chmod(0o750)
    with running_server("--listen", f"unix://{sockets}/harmony.sock"):
        assert _mode(sockets) == 0o750


def test_a_socket_left_behind_by_a_killed_server(sockets: pathlib.Path) -> None:
    """After `kill -9` the next server can use the same path."""
    address = f"unix://{sockets}/harmony.sock"
    with running_server("--listen", address) as (process, _):
        process.kill()
        process.wait()
    with running_server("--listen", address), Client(address) as client:
        assert client.encode("Hello") == [13225]
