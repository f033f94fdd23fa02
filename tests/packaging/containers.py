"""The container image, built with buildah, and its containers, run with runc.

They replace Docker, which needs a daemon, with the same Dockerfile and the same kernel features.
The base image, from Debian's packages, replaces `python:*-slim`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from devtools.server_process import listens_on
from tests.support.tools import missing, tool

_ROOT: Final = Path(__file__).parents[2]
_PROGRAMS: Final = ("buildah", "runc", "debootstrap")
_BASE: Final = "localhost/python-base"
_IMAGE: Final = "localhost/harmony-sidecar"
_SUITE: Final = "trixie"
_PACKAGES: Final = "python3,python3-venv,python3-pip,ca-certificates"
# For base and image together, which take 100 s on two cores.
_BUILD_SECONDS: Final = 240
_COMMAND_SECONDS: Final = 60
# Docker's default between SIGTERM and SIGKILL.
_STOP_SECONDS: Final = 10

Ids = tuple[int, int]
# As Docker mounts them into every container.
_MOUNTS: Final = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "mode=755", "size=65536k"],
    },
]


def build_image(folder: Path) -> Image:
    """Builds the image in a folder.

    Skips the test, or fails it in CI, if a program is missing or the build takes too long.
    """
    if os.geteuid() != 0:
        missing("root, which containers need,")
    for program in _PROGRAMS:
        tool(program)
    image = Image(folder)
    try:
        image.build()
    except BaseException as error:
        image.remove()
        if isinstance(error, subprocess.TimeoutExpired):
            missing(f"an image within {_BUILD_SECONDS} s")
        raise
    return image


class Image:
    """A container image.

    Attributes:
        folder: The folder with all its data.
        root: The root of its file system.
        config: Its configuration in Docker's format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Path()
        self.config: dict[str, Any] = {}
        self._deadline = time.monotonic() + _BUILD_SECONDS

    def build(self) -> None:
        """Builds the base and the image, and mounts the image."""
        files = self.folder / "base"
        self._run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(files))
        # python:*-slim has no caches either.
        for cache in files.glob("usr/lib/python3*/**/__pycache__"):
            shutil.rmtree(cache)
        base = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", base, str(files), "/")
        self._buildah("commit", "--quiet", "--rm", base, _BASE)
        shutil.rmtree(files)
        pip = self.folder / "pip.conf"
        pip.write_text(_pip_configuration())
        arguments = {"PYTHON_IMAGE": _BASE, "VERSION": "1.2.3", "REVISION": "0123abc"}
        self._buildah(
            "build",
            "--format=docker",  # the OCI format has no health check
            "--network=host",
            "--pull-never",
            # As this machine reaches the package index.
            f"--volume={pip}:/etc/pip.conf:ro",
            "--volume=/etc/ssl/certs:/etc/ssl/certs:ro",
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            f"--tag={_IMAGE}",
            str(_ROOT),
        )
        description = json.loads(self._buildah("inspect", "--type=image", _IMAGE))
        self.config = description["Docker"]["config"]
        self.root = Path(self._buildah("mount", self._buildah("from", _IMAGE)))

    def remove(self) -> None:
        """Removes the image and all its data."""
        self._deadline = time.monotonic() + _COMMAND_SECONDS
        self._buildah("rm", "--all")
        self._buildah("rmi", "--all", "--force")
        shutil.rmtree(self.folder)

    def new_volume(self, path: str) -> Path:
        """Returns a new volume for a path, with the path's owner and mode, as Docker creates it."""
        volume = self.folder / f"volume-{time.monotonic_ns()}"
        original = (self.root / path.lstrip("/")).stat()
        volume.mkdir()
        volume.chmod(original.st_mode)
        os.chown(volume, original.st_uid, original.st_gid)
        return volume

    def _buildah(self, *arguments: str) -> str:
        places = (f"--root={self.folder / 'storage'}", f"--runroot={self.folder / 'run'}")
        return self._run("buildah", *places, *arguments).strip()

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=max(1.0, self._deadline - time.monotonic()),
        )
        if done.returncode != 0:
            raise AssertionError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout


def _pip_configuration() -> str:
    """Returns this machine's pip configuration as a file's text."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=_COMMAND_SECONDS
    ).stdout
    values = re.findall(r"^(?::env:|global)\.([\w-]+)='(.*)'$", printed, re.MULTILINE)
    return "\n".join(["[global]", *(f"{key} = {value}" for key, value in dict(values).items()), ""])


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of `docker run`.

    Attributes:
        ids: User and group; None for the image's.
        environment: Variables to add to the image's.
        volumes: Folders by their path in the container.
        network_of: The container whose network to share; None for a separate network with only
            loopback.
    """

    ids: Ids | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    volumes: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    network_of: Container | None = None


class Container:
    """A container without capabilities or privileges and with a read-only root.

    Attributes:
        process: `runc run`, whose exit status is the container's.
    """

    def __init__(self, image: Image, arguments: Sequence[str] | None, options: Options) -> None:
        self._image = image
        self._name = f"harmony-{os.getpid()}-{time.monotonic_ns()}"
        bundle = image.folder / self._name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(_specification(image, arguments, options)))
        self.process = subprocess.Popen(
            [*self._runc(), "run", f"--bundle={bundle}", self._name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the container as its user."""
        return subprocess.run(
            [*self._runc(), "exec", self._name, *command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )

    def addresses(self, count: int) -> list[str]:
        """Waits until the server listens, and returns its addresses."""
        return [listens_on(self.process) for _ in range(count)]

    def finish(self) -> tuple[int, str, str]:
        """Waits for the exit; returns exit status, standard output and standard error."""
        output, errors = self.process.communicate(timeout=_COMMAND_SECONDS)
        return self.process.returncode, output, errors

    def stop(self) -> int:
        """Stops the container as Docker does, if need be with SIGKILL; returns its exit status."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """Kills the container."""
        self._signal(signal.SIGKILL)
        self.process.wait(_STOP_SECONDS)

    @property
    def pid(self) -> int:
        """The id of its first process on this machine."""
        command = [*self._runc(), "state", self._name]
        state = subprocess.run(command, check=True, capture_output=True, timeout=_COMMAND_SECONDS)
        return int(json.loads(state.stdout)["pid"])

    def _signal(self, number: signal.Signals) -> None:
        command = [*self._runc(), "kill", self._name, number.name]
        # Unchecked, because the container may have exited.
        subprocess.run(command, check=False, capture_output=True, timeout=_COMMAND_SECONDS)

    def _runc(self) -> list[str]:
        return ["runc", f"--root={self._image.folder / 'runc'}"]


@contextlib.contextmanager
def running(
    image: Image, arguments: Sequence[str] | None = None, options: Options | None = None
) -> Iterator[Container]:
    """Runs a container until the block ends, by default with the image's command."""
    container = Container(image, arguments, options or Options())
    with container.process:
        try:
            yield container
        finally:
            container.stop()


def _specification(
    image: Image, arguments: Sequence[str] | None, options: Options
) -> dict[str, Any]:
    config = image.config
    user, group = options.ids or map(int, config["User"].split(":"))
    network = {"type": "network"}
    if options.network_of is not None:
        network["path"] = f"/proc/{options.network_of.pid}/ns/net"
    command = config["Cmd"] if arguments is None else arguments
    environment = {
        **dict(variable.split("=", 1) for variable in config["Env"]),
        **options.environment,
    }
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": [*config["Entrypoint"], *command],
            "cwd": config["WorkingDir"],
            "env": [f"{name}={value}" for name, value in environment.items()],
            "user": {"uid": user, "gid": group},
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(image.root), "readonly": True},
        "mounts": [
            *_MOUNTS,
            *(
                {"destination": path, "source": str(folder), "options": ["bind", "rw"]}
                for path, folder in options.volumes.items()
            ),
        ],
        "linux": {
            "namespaces": [*({"type": kind} for kind in ("pid", "ipc", "uts", "mount")), network]
        },
    }
