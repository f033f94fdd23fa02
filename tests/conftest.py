"""The fixture that every suite shares: a real server in its own process."""

from collections.abc import Iterator

import pytest

from devtools.server_process import running_server


@pytest.fixture(scope="session")
def server_address() -> Iterator[str]:
    """The address of a server that is shared by the whole session."""
    with running_server("--listen", "127.0.0.1:0") as (_, address):
        yield address
