"""Unix sockets that others may use as far as they are meant to, and no second server takes away.

Binding a path that a server listens on succeeds and silently cuts that server off: a lock beside
the socket tells the second one. A socket's mode comes from the process's umask while it is bound:
to change it afterwards would leave a moment in which it is wrong.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def make_folder(socket_path: str, mode: int) -> None:
    """Makes the folder of a socket where it is missing; whoever may connect may pass through it.

    Raises:
        OSError: It cannot be made.
    """
    may_connect = mode & 0o222
    with file_mode(0o700 | may_connect >> 1), contextlib.suppress(FileExistsError):
        Path(socket_path).parent.mkdir()


def lock_socket(socket_path: str) -> int:
    """Locks a socket until the process ends, and returns the descriptor that holds the lock.

    The lock file stays behind: to remove it would race with the next server.

    Raises:
        OSError: The folder cannot be written to, or another server has the lock.
    """
    descriptor = os.open(f"{socket_path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def file_mode(mode: int) -> Iterator[None]:
    """Makes what is created inside have this mode; for the whole process, so be quick."""
    previous = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(previous)
