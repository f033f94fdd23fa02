"""examples/demo.py."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def test_demo() -> None:
    """The demo quickly shows a prompt, deltas and parsed messages, and leaves no server behind."""
    begin = time.monotonic()
    with subprocess.Popen(
        [sys.executable, str(DEMO)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # Its own session: what it leaves behind can be found.
        start_new_session=True,
    ) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "type find_trains = (_: {" in output
    assert "[commentary to functions.find_trains] {" in output
    assert "content_type: <|constrain|>json\n" in output
    assert "Shall I book it? 🚆\n" in output
    # Five seconds are the aim; slow machines get six times as many.
    assert time.monotonic() - begin < 30
    assert process.pid not in [_session(pid) for pid in psutil.pids()]


def _session(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None
