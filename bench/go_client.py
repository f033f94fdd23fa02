"""Builds and runs the Go client's batch example, in its own process."""

import json
import shutil
import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "clients" / "go"
_TIMEOUT_SECONDS = 120.0


def is_available() -> bool:
    """Says whether Go is installed."""
    return shutil.which("go") is not None


def build() -> None:
    """Builds the example."""
    subprocess.run(["make", "--silent", "-C", str(_FOLDER), "build"], check=True)


def step_batch(address: str, completions: Path, sequences: int, steps: int) -> float:
    """Steps sequences that repeat completions in a file; returns the wall seconds of all steps."""
    command = [
        str(_FOLDER / "bin" / "batch"),
        f"--target={address}",
        f"--completions={completions}",
        f"--sequences={sequences}",
        f"--steps={steps}",
        "--json",
    ]
    run = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT_SECONDS
    )
    return float(json.loads(run.stdout)["seconds"])
