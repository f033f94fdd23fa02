"""Peers that vanish without closing their connections."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harmony_server import bounds
from tests.support.tools import ROOT, missing, tool

from .conftest import Report

pytestmark = pytest.mark.long

# Beyond keepalive, for the start and a busy machine.
_SPARE_SECONDS = 60


def test_vanished_peers_are_dropped(report: Report) -> None:
    """After the network is cut, the server drops every connection once keepalive has run out."""
    if os.geteuid() != 0:
        missing("root, which cutting the network needs,")
    tool("ip")
    patience = bounds.KEEPALIVE_SECONDS + bounds.KEEPALIVE_TIMEOUT_SECONDS
    done = subprocess.run(
        [tool("unshare"), "--net", sys.executable, "-m", "tests.stress.vanishing"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=patience + 2 * _SPARE_SECONDS,
        check=True,
    )
    seconds = int(done.stdout.split()[-1])
    report(f"all connections dropped {seconds} s after the network was cut")
    assert bounds.KEEPALIVE_TIMEOUT_SECONDS < seconds < patience + _SPARE_SECONDS
