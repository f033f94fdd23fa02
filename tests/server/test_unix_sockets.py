"""A Unix socket's folder, mode and lock."""

import os
import pathlib
import socket
import stat
from typing import cast

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import Client
from harmony_server.process import transport
from harmony_server.process.secret_files import SecretFiles
from harmony_server.process.unix_sockets import lock_socket
from harmony_server.settings import Settings


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
    path = sockets / "folder" / "harmony.sock"
    arguments = [] if setting is None else ["--socket-mode", setting]
    with running_server("--listen", f"unix://{path}", *arguments) as (_, address):
        assert _mode(path) == socket_mode
        assert _mode(path.parent) == folder_mode
        assert _mode(path.with_name("harmony.sock.lock")) == 0o600
        with Client(address) as client:
            assert client.encode("Hello") == [13225]


class _BindingServer:
    """Binds sockets as gRPC does, and notes the mode that each has as soon as it exists."""

    def __init__(self) -> None:
        self.modes: list[int] = []

    def add_insecure_port(self, address: str) -> int:
        path = pathlib.Path(address.removeprefix("unix://"))
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
            self.modes.append(_mode(path))
        return 1


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_a_socket_has_its_mode_from_its_first_moment(
    sockets: pathlib.Path, mode: str, umask: int
) -> None:
    """Bound under any umask, it is never open to others than the mode says, nor closed to those."""
    path = sockets / "folder" / "harmony.sock"
    settings = Settings.model_validate({"listen": [f"unix://{path}"], "socket_mode": mode})
    server = _BindingServer()
    previous = os.umask(umask)
    try:
        transport.bind(
            cast("grpc.aio.Server", server),
            settings.addresses[0],
            settings,
            SecretFiles(None, None),
        )
        assert os.umask(umask) == umask
    finally:
        os.umask(previous)
    assert server.modes == [int(mode, 8)]
    assert _mode(path) == int(mode, 8)


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


def test_the_lock_does_not_follow_links(sockets: pathlib.Path) -> None:
    """A symbolic link in the lock's place is an error, and its target is not created."""
    (sockets / "harmony.sock.lock").symlink_to(sockets / "target")
    with pytest.raises(OSError, match="symbolic links"):
        lock_socket(str(sockets / "harmony.sock"))
    assert not (sockets / "target").exists()
