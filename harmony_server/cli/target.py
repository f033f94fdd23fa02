"""The option `--target`, and the backend that it chooses."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from .address_type import address
from .backend import Backend

target_option = click.option(
    "--target",
    type=address,
    metavar="ADDRESS",
    help="Work through the server at this address (host:port or unix:///path).",
)


@contextmanager
def open_backend(target: str | None) -> Iterator[Backend]:
    """Yields the backend for an address, or for None the one in this process."""
    if target is None:
        from .local import LocalBackend

        yield LocalBackend()
    else:
        from .remote import RemoteBackend

        with RemoteBackend(target) as backend:
            yield backend
