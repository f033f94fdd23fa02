"""Unix sockets that no second server takes away.

Binding a path that a server listens on succeeds and silently cuts that server off: a lock beside
the socket tells the second one.
"""

import fcntl
import os


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
