"""Workers killed repeatedly under load: no RPC fails and no answer is wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from harmony_client import Client
from tests.support.load import Load
from tests.support.round_robin import run_example
from tests.support.supervised_servers import Supervised, serving
from tests.support.waiting import eventually

from .conftest import Report
from .scale import scaled
from .vitals import Vitals

pytestmark = pytest.mark.long

_WORKERS = 2
# Each has its own connection, so that every worker gets some.
_CLIENTS = 3
_ROUNDS = 3
_MOST_ROUNDS = 15
# The pause before a restart grows to 10 s, and a process starts slowly under load.
_RESTART_SECONDS = 180
_MAX_GROWTH_MIB = 2.0


@contextmanager
def _loads(address: str) -> Iterator[list[Load]]:
    """Runs loads whose channels retry unary RPCs and whose clients replay streams."""
    names = run_example()
    names["channel"].close()
    retries = {"methodConfig": names["SERVICE_CONFIG"]["methodConfig"]}
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", json.dumps(retries)),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(address, options=options)) for _ in range(_CLIENTS)]
        loads = [stack.enter_context(Load(client)) for client in clients]
        yield loads


def _wait(loads: list[Load]) -> None:
    """Waits until each load has made more RPCs of each kind."""
    for load in loads:
        load.wait(renders=10, streams=4)


def _kill(server: Supervised, number: int) -> int:
    """Kills so many workers and waits for their replacements; returns how many it killed."""
    before = server.count_log("serves again")
    for worker in random.sample(server.workers(), number):
        worker.kill()
    eventually(lambda: server.count_log("serves again") >= before + number, _RESTART_SECONDS)
    return number


def test_workers_that_are_killed_cost_no_rpc(report: Report) -> None:
    """When one worker or all of them die, no RPC fails and the supervisor's memory is flat."""
    with serving("--listen", "127.0.0.1:0", workers=_WORKERS) as server:
        supervisor = Vitals(psutil.Process(server.process.pid))
        killed = 0
        with _loads(server.addresses[0]) as loads:
            _wait(loads)
            supervisor.look(0)
            for round_ in range(scaled(_ROUNDS, _MOST_ROUNDS)):
                killed += _kill(server, _WORKERS if round_ % 3 == 2 else 1)
                _wait(loads)
                supervisor.look(killed)
        assert [failure for load in loads for failure in load.failures] == []
        assert len(server.workers()) == _WORKERS
    report(
        f"{killed} workers killed under {sum(load.count for load in loads):,} RPCs and streams, "
        f"none failed; the supervisor's {supervisor.text()}"
    )
    assert supervisor.growth_mib() < _MAX_GROWTH_MIB, supervisor.text()
    assert max(supervisor.descriptors) <= min(supervisor.descriptors) + 1
