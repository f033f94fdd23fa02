"""The wheel in fresh environments, with the oldest and newest runtimes that it allows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grpc
import pytest

from harmony_client.v1 import service_pb2

from .recording_server import RecordingServer, bad_field, failing

pytestmark = [pytest.mark.runtimes, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]

# Seconds; environments are made from the package registry.
INSTALL_TIMEOUT = 600

# Makes a call that succeeds and one that fails, and prints which Google messages it used.
PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
from harmony_client import Client, InvalidArgument, user
from harmony_client._google import status_pb2
with Client(sys.argv[1]) as client:
    print(client.render(user("Hi")))
    try:
        client.encode("<|end|>")
    except InvalidArgument as error:
        print(error.field_violations[0].field)
print(status_pb2.__name__)
"""


def oldest() -> list[str]:
    """Returns the requirements of the wheel, each at its oldest allowed version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [need.split(",")[0].replace(">=", "==") for need in project["dependencies"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", directory, ROOT],
        check=True,
        timeout=INSTALL_TIMEOUT,
    )
    return next(directory.glob("*.whl"))


@pytest.mark.parametrize(
    ("requirements", "google"),
    [
        pytest.param(oldest(), "harmony_client._google.generated.status_pb2", id="oldest"),
        pytest.param([], "harmony_client._google.generated.status_pb2", id="newest"),
        pytest.param(["googleapis-common-protos"], "google.rpc.status_pb2", id="newest-googleapis"),
    ],
)
def test_wheel_makes_calls(
    recorder: RecordingServer, wheel: Path, tmp_path: Path, requirements: list[str], google: str
) -> None:
    """The installed client renders and reads rich errors, without warnings."""
    recorder.answers["Render"] = lambda *_: service_pb2.RenderResponse(tokens=[7])
    recorder.answers["Encode"] = failing(
        grpc.StatusCode.INVALID_ARGUMENT, "special token", bad_field("text", "has <|end|>")
    )
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=120)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", wheel, *requirements],
        check=True,
        timeout=INSTALL_TIMEOUT,
    )
    result = subprocess.run(
        [python, "-c", PROGRAM, recorder.address],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["[7]", "text", google]
