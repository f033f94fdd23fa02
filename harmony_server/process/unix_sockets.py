"""Creates Unix sockets with the right file mode, and keeps a second server from taking one over.

Binding a path that another server listens on succeeds and silently cuts that server off, so each
socket has a lock file beside it. A socket gets its mode from the umask when it is bound, because a
later chmod would leave it open to others, or closed to them, for a moment.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def make_folder(socket_path: str, mode: int) -> None:
    """Creates a socket's folder if it is missing, open to those whom the socket's `mode` admits.

    Raises:
        OSError: The folder cannot be created.
    """
    # To connect takes write permission on the socket and execute permission on its folder.
    may_connect = mode & 0o222
    with file_mode(0o700 | may_connect >> 1), contextlib.suppress(FileExistsError):
        Path(socket_path).parent.mkdir()


def lock_socket(socket_path: str) -> int:
    """Locks a socket until the process ends, and returns the descriptor that holds the lock.

    The lock file is never removed, because that would race with the next server.

    Raises:
        BlockingIOError: Another server holds the lock.
        OSError: The lock file cannot be created.
    """
    # A link that somebody else placed there must not make the server create or lock other files.
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(f"{socket_path}.lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def file_mode(mode: int) -> Iterator[None]:
    """Files created in the block, by any thread of the process, get at most this mode; be quick."""
    previous = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(previous)
