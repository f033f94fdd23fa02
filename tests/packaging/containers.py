"""The container image, built with buildah, and containers of it, run with runc.

They stand in for Docker, which needs a daemon: the same Dockerfile, the same kernel features. The
base image stands in for `python:*-slim`, from Debian's packages.
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
# Of base and image together; they take 100 s on two cores.
_BUILD_SECONDS: Final = 240
_COMMAND_SECONDS: Final = 60
# Docker's, from SIGTERM to SIGKILL.
_STOP_SECONDS: Final = 10

Ids = tuple[int, int]
# What Docker mounts into every container.
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

    Skips the test, or fails it in CI, where a program is missing or time runs out.
    """
    if os.geteuid() != 0:
        missing("root, which a container needs,")
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
    """An image with a root folder.

    Attributes:
        folder: Where everything of it lies.
        root: Its files.
        config: What it says of how to run it, as Docker writes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Path()
        self.config: dict[str, Any] = {}
        self._deadline = time.monotonic() + _BUILD_SECONDS

    def build(self) -> None:
        """Builds the base, the image, and mounts it."""
        files = self.folder / "base"
        self._run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(files))
        # As python:*-slim has it.
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
            "--format=docker",  # OCI's has no health check
            "--network=host",
            "--pull-never",
            # How this machine reaches the package index.
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
        """Removes everything."""
        self._deadline = time.monotonic() + _COMMAND_SECONDS
        self._buildah("rm", "--all")
        self._buildah("rmi", "--all", "--force")
        shutil.rmtree(self.folder)

    def new_volume(self, path: str) -> Path:
        """Returns a folder as Docker makes a volume for a path: with that path's owner and mode."""
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
    """Returns what pip is told on this machine, in the form of a file."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=_COMMAND_SECONDS
    ).stdout
    values = re.findall(r"^(?::env:|global)\.([\w-]+)='(.*)'$", printed, re.MULTILINE)
    return "\n".join(["[global]", *(f"{key} = {value}" for key, value in dict(values).items()), ""])


@dataclasses.dataclass(frozen=True)
class Options:
    """What `docker run` is told.

    Attributes:
        ids: User and group; None: the image's.
        environment: Variables in addition to the image's.
        volumes: Folders by the path at which the container has them.
        network_of: The container whose network is shared; None: a network of its own, without any
            way out.
    """

    ids: Ids | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    volumes: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    network_of: Container | None = None


class Container:
    """A container without capabilities and privileges, its root read-only.

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
        """Runs a command in the container, as its user."""
        return subprocess.run(
            [*self._runc(), "exec", self._name, *command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )

    def addresses(self, count: int) -> list[str]:
        """Waits until the server listens, and returns where."""
        return [listens_on(self.process) for _ in range(count)]

    def finish(self) -> tuple[int, str, str]:
        """Waits for the end; returns exit status, standard output and standard error."""
        output, errors = self.process.communicate(timeout=_COMMAND_SECONDS)
        return self.process.returncode, output, errors

    def stop(self) -> int:
        """Stops it as Docker does; returns its exit status: that of SIGKILL if it took too long."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """Ends it at once."""
        self._signal(signal.SIGKILL)
        self.process.wait(_STOP_SECONDS)

    @property
    def pid(self) -> int:
        """The process id of its first process, on this machine."""
        command = [*self._runc(), "state", self._name]
        state = subprocess.run(command, check=True, capture_output=True, timeout=_COMMAND_SECONDS)
        return int(json.loads(state.stdout)["pid"])

    def _signal(self, number: signal.Signals) -> None:
        command = [*self._runc(), "kill", self._name, number.name]
        # It may have ended meanwhile.
        subprocess.run(command, check=False, capture_output=True, timeout=_COMMAND_SECONDS)

    def _runc(self) -> list[str]:
        return ["runc", f"--root={self._image.folder / 'runc'}"]


@contextlib.contextmanager
def running(
    image: Image, arguments: Sequence[str] | None = None, options: Options | None = None
) -> Iterator[Container]:
    """Runs a container, with the image's command unless there are arguments, and ends it."""
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
