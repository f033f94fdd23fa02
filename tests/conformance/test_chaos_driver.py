"""scripts/chaos_clients.py, with programs that lose, repeat or reorder events, or fail."""

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import chaos_clients as driver

_DONE = "import sys; open(sys.argv[3], 'w').write(EVENTS)"
# Takes steps as a client does, and ends.
_STEPS = "[(print('step', n, flush=True), sys.stdin.readline()) for n in range(3)]; print('kept')"


def _program(code: str) -> driver.Program:
    return driver.Program("Fake", "python", (), (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ({0: ["a", "b"], 1: ["c"]}, (0, 0, 0)),
        ({0: ["a"], 1: ["c"]}, (1, 0, 1)),
        ({0: ["a", "b"]}, (1, 0, 1)),
        ({0: ["a", "b", "b"], 1: ["c"]}, (0, 1, 1)),
        ({0: ["b", "a"], 1: ["c"]}, (0, 0, 1)),
        ({0: ["a", "b"], 1: ["c"], 2: ["d"]}, (0, 1, 1)),
    ],
)
def test_differences(got: driver.Events, expected: tuple[int, int, int]) -> None:
    """Lost and repeated events are counted, and sequences whose events differ in any way."""
    assert driver.difference({0: ["a", "b"], 1: ["c"]}, got) == expected


def test_a_program_steps_in_turn(tmp_path: Path) -> None:
    """Each step of a program is answered, and its events are read."""
    events = '{"sequence": 4, "event": {"delta": {"text": "hi"}}}'
    code = f"{_DONE.replace('EVENTS', repr(events))}; {_STEPS}"
    seen: list[int] = []
    run = driver.play(_program(code), "target", Path("plan"), tmp_path / "events", seen.append)
    assert (run.events, run.steps, run.remark) == ({4: ['{"delta": {"text": "hi"}}']}, 3, "kept")
    assert seen == [1, 2, 3]


def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    """A program that ends with another status than 0 is not taken for one without events."""
    program = _program(f"import sys; {_STEPS}; sys.exit(3)")
    with pytest.raises(RuntimeError, match="status 3 after 3 steps"):
        driver.play(program, "target", Path("plan"), tmp_path / "events", lambda _: None)


def test_every_disturbance_is_made() -> None:
    """Each kind comes as often as it should, at steps that depend on the seed."""

    class Server:
        """Counts its disturbances."""

        def __init__(self) -> None:
            self.kinds: list[str] = []

        def disturb(self, kind: str) -> None:
            """Notes the kind."""
            self.kinds.append(kind)

    def kinds(seed: int) -> list[str]:
        server: Any = Server()
        disturber = driver.Disturber(server, 400, random.Random(seed))
        for step in range(400):
            disturber(step)
            disturber.wait()
        assert disturber.done == driver._DISTURBANCES
        return list(server.kinds)

    assert sorted(kinds(1)) == sorted(kinds(2))
    assert kinds(1) == kinds(1) != kinds(2)


def test_a_plan_has_every_config() -> None:
    """Strict, lenient and recover mode, prefills and ranges of deltas are in each plan."""
    plan = driver.make_plan(random.Random(1))
    assert len(plan) == 32
    assert all(sequence["tokens"] for sequence in plan)
    assert [config in [sequence["config"] for sequence in plan] for config in driver._CONFIGS] == [
        True
    ] * 5
