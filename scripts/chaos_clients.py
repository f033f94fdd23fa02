"""Kills, stops and drains a server under a client that steps a batch, and compares all events.

    python -m scripts.chaos_clients              # every language that has a client with replay
    python -m scripts.chaos_clients go           # some languages
    python -m scripts.chaos_clients --seed 7     # the same plan and disturbances again

Each language has a program `TARGET PLAN EVENTS`, described in clients/go/cmd/chaos, that steps
the sequences of a plan. It runs twice, the second time with disturbances at random steps, and must
write the same events. A language whose tools are missing is skipped; with the environment variable
CI, that is a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devtools.material import completion
from devtools.server_process import running_server

ROOT: Final = Path(__file__).resolve().parent.parent
_SEQUENCES: Final = 32
_DISTURBANCES: Final = {"kill": 10, "stop": 3, "drain": 3}
_STOPPED_SECONDS: Final = 0.5
_BUILD_SECONDS: Final = 600
_RUN_SECONDS: Final = 300  # ten restarts take about 20 s on idle cores

_HEADER: Final = [200005, 17196, 200008]
_CONFIGS: Final[Sequence[dict[str, Any]]] = (
    {"role": "ROLE_ASSISTANT"},
    {"role": "ROLE_ASSISTANT", "options": {"strict": False, "deltaOffsets": True}},
    {"role": "ROLE_ASSISTANT", "options": {"recover": True, "deltaOffsets": True}},
    {"role": "ROLE_ASSISTANT", "options": {"recover": True}, "prefill": _HEADER[:1]},
    {"role": "ROLE_ASSISTANT", "options": {"deltaOffsets": True}, "prefill": _HEADER},
)

Events = dict[int, list[str]]


@dataclass(frozen=True)
class Program:
    """The program of one language.

    Attributes:
        name: The language's name.
        tool: The tool that it needs.
        build: The command that builds it.
        command: The command that runs it, without its arguments.
    """

    name: str
    tool: str
    build: Sequence[str]
    command: Sequence[str]


PROGRAMS: Final = {
    "go": Program(
        "Go",
        "go",
        ("make", "--no-print-directory", "-C", "clients/go", "build"),
        ("clients/go/bin/chaos",),
    ),
}


class Server:
    """A server that comes back on its port."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{_free_port()}"
        self._running = ExitStack()

    def start(self) -> None:
        """Starts the server and waits until it serves."""
        arguments = ("--listen", self.address, "--grace-seconds", "0.3", "--log-level", "error")
        self._process, _ = self._running.enter_context(running_server(*arguments))

    def disturb(self, kind: str) -> None:
        """Kills or drains the server and starts it again, or stops and continues its process."""
        if kind == "stop":
            self._process.send_signal(signal.SIGSTOP)
            time.sleep(_STOPPED_SECONDS)
            self._process.send_signal(signal.SIGCONT)
            return
        self._process.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        self._process.wait(60)
        self.start()

    def close(self) -> None:
        """Ends the server."""
        self._running.close()


class Disturber:
    """Disturbs a server once for each of its kinds, at random steps.

    Attributes:
        done: How often it did each.
    """

    def __init__(self, server: Server, steps: int, rng: random.Random) -> None:
        kinds = [kind for kind, count in _DISTURBANCES.items() for _ in range(count)]
        rng.shuffle(kinds)
        # The last tenth is for disturbances that had to wait for one before.
        self._due = sorted(
            zip(rng.sample(range(1, steps * 9 // 10), len(kinds)), kinds, strict=True)
        )
        self._server = server
        self._rng = rng
        self._thread: threading.Thread | None = None
        self.done: Counter[str] = Counter()

    def __call__(self, step: int) -> None:
        """Begins what is due at a step, and slows the steps down while the server is disturbed."""
        if self._thread is not None and self._thread.is_alive():
            # A server that drains still answers: keep steps for the other disturbances.
            time.sleep(0.01)
        elif self._due and self._due[0][0] <= step:
            _, kind = self._due.pop(0)
            self.done[kind] += 1
            # Anywhere in the step that the program has just begun.
            pause = self._rng.uniform(0, 0.002)
            self._thread = threading.Thread(target=self._disturb, args=(kind, pause))
            self._thread.start()

    def wait(self) -> None:
        """Waits until the server serves again."""
        if self._thread is not None:
            self._thread.join()

    def _disturb(self, kind: str, pause: float) -> None:
        time.sleep(pause)
        self._server.disturb(kind)


@dataclass(frozen=True)
class Run:
    """What came of one run of a program.

    Attributes:
        events: The events of each sequence, as JSON.
        steps: How many steps it took.
        silence: The longest time between a step's begin and its end, in seconds.
        remark: The last line that it printed, if that is no step.
    """

    events: Events
    steps: int
    silence: float
    remark: str


def make_plan(rng: random.Random) -> list[dict[str, Any]]:
    """Returns sequences of every kind, a third of them malformed, as the program reads them."""
    plan = []
    for number in range(_SEQUENCES):
        config = _CONFIGS[number % len(_CONFIGS)]
        tokens = completion(rng.randrange(1_000_000), 250)
        if number % 3 == 0:
            for _ in range(3):
                tokens[rng.randrange(len(tokens))] = rng.choice(
                    [200003, 200005, 200006, 200007, 1000]
                )
        if "prefill" in config:
            # The tokens go on behind the prefill; a completion begins with a header of its own.
            tokens = tokens[len(config["prefill"]) :]
        plan.append({"begin": rng.randrange(200), "config": config, "tokens": tokens})
    return plan


def play(
    program: Program, address: str, plan: Path, events: Path, after_step: Callable[[int], None]
) -> Run:
    """Runs a program, and calls `after_step` each time that it has begun another step.

    Raises:
        RuntimeError: The program failed, or took too long.
    """
    steps, silence, remark = 0, 0.0, ""
    command = [*program.command, address, str(plan), str(events)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # Also ends a program that waits for nothing but the server.
        alarm = threading.Timer(_RUN_SECONDS, process.kill)
        alarm.start()
        try:
            begin = time.monotonic()
            for line in process.stdout:
                if not line.startswith("step "):
                    remark = line.strip()
                    continue
                silence = max(silence, time.monotonic() - begin)
                steps += 1
                # If the program has failed meanwhile, its status tells.
                with suppress(BrokenPipeError):
                    process.stdin.write("\n")
                    process.stdin.flush()
                begin = time.monotonic()
                after_step(steps)
            process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            alarm.cancel()
            with suppress(BrokenPipeError):
                process.stdin.close()
    if process.returncode != 0:
        raise RuntimeError(
            f"{program.name} ended with status {process.returncode} after {steps} steps"
        )
    return Run(_read_events(events), steps, silence, remark)


def _read_events(path: Path) -> Events:
    events: Events = {}
    for line in path.read_text("utf-8").splitlines():
        event = json.loads(line)
        events.setdefault(event["sequence"], []).append(json.dumps(event["event"], sort_keys=True))
    return events


def difference(expected: Events, got: Events) -> tuple[int, int, int]:
    """Returns how many events were lost and repeated, and how many sequences differ."""
    lost = repeated = disordered = 0
    for sequence in expected.keys() | got.keys():
        before, after = expected.get(sequence, []), got.get(sequence, [])
        lost += (Counter(before) - Counter(after)).total()
        repeated += (Counter(after) - Counter(before)).total()
        disordered += before != after
    return lost, repeated, disordered


def try_program(program: Program, seed: int) -> bool:
    """Builds and runs a program, prints what came of it, and says whether no event differs."""
    subprocess.run(program.build, cwd=ROOT, check=True, timeout=_BUILD_SECONDS)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="harmony-") as name, ExitStack() as stack:
        plan, events = Path(name, "plan.json"), Path(name, "events.jsonl")
        plan.write_text(json.dumps(make_plan(rng)), "utf-8")
        server = Server()
        stack.callback(server.close)
        server.start()
        undisturbed = play(program, server.address, plan, events, lambda _: None)
        disturber = Disturber(server, undisturbed.steps, rng)
        stack.callback(disturber.wait)
        run = play(program, server.address, plan, events, disturber)
    lost, repeated, disordered = difference(undisturbed.events, run.events)
    count = sum(map(len, undisturbed.events.values()))
    kinds = Counter(
        next(iter(json.loads(event))) for own in undisturbed.events.values() for event in own
    )
    print(
        f"{program.name}, seed {seed}: {_SEQUENCES} sequences, {run.steps} steps; "
        f"{disturber.done['kill']} kills, {disturber.done['stop']} stops, "
        f"{disturber.done['drain']} drains; {count} events "
        f"({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))}), "
        f"{lost} lost, {repeated} repeated, {disordered} sequences differ; "
        f"longest silence {run.silence:.2f} s (undisturbed {undisturbed.silence:.3f} s); "
        f"{run.remark}"
    )
    complete = disturber.done == Counter(_DISTURBANCES)
    if not complete:
        print(f"{program.name}: the plan was too short for all disturbances")
    return complete and undisturbed.events == run.events and count > 0


def _free_port() -> int:
    """Returns an unused port below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Try the replay of clients under chaos.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=", ".join(PROGRAMS))
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="default: random"
    )
    options = parser.parse_args(arguments)
    chosen = options.languages or list(PROGRAMS)
    if unknown := [key for key in chosen if key not in PROGRAMS]:
        parser.error(f"no such language: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    failed = False
    for key in chosen:
        if shutil.which(PROGRAMS[key].tool) is None:
            print(f"SKIP {PROGRAMS[key].name}: no {PROGRAMS[key].tool}")
            failed = failed or "CI" in os.environ
        else:
            failed = not try_program(PROGRAMS[key], options.seed) or failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
