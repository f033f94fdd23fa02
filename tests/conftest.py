"""Shared by every suite: a server in its own process, and the settings of generated tests."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from devtools.server_process import running_server

# On a busy machine, a slow example is no failure.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session")
def server_address() -> Iterator[str]:
    """Yields the address of a server that all tests of a session share."""
    with running_server("--listen", "127.0.0.1:0") as (_, address):
        yield address
