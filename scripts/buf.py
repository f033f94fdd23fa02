"""Checks the protos with buf: style, and no change that breaks users of the last release.

    python scripts/buf.py

Needs npm, git, and googleapis-common-protos in the environment that runs it.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = ROOT / "node_modules" / ".bin" / "buf"

# The second module of buf.yaml. buf would otherwise take these files from its schema registry,
# which a build need not be able to reach.
GOOGLE_MODULE = Path("build/googleapis")
GOOGLE_PACKAGES = ("google.api", "google.rpc")

# Where the last release is unpacked, as buf compares with it.
RELEASED = ROOT / "build" / "released"


def main() -> int:
    """Runs both checks; returns the exit status."""
    if not BUF.exists():
        # Not `npm ci`: it fails where a registry lacks buf for some other platform. buf finds its
        # binary without the install script.
        install = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=ROOT, check=True)
    write_google_module(ROOT)
    lint = subprocess.run([BUF, "lint"], cwd=ROOT, check=False).returncode
    tag = last_release()
    if tag is None:
        print("buf breaking: no release tag v* yet, nothing to compare with")
        return lint
    unpack(tag)
    breaking = subprocess.run([BUF, "breaking", "--against", RELEASED], cwd=ROOT, check=False)
    return lint or breaking.returncode


def write_google_module(workspace: Path) -> None:
    """Puts the Google protos of googleapis-common-protos where buf.yaml looks for them."""
    for package in GOOGLE_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit("googleapis-common-protos is not installed")
        target = workspace / GOOGLE_MODULE / package.replace(".", "/")
        target.mkdir(parents=True, exist_ok=True)
        for directory in spec.submodule_search_locations:
            for proto in Path(directory).glob("*.proto"):
                shutil.copyfile(proto, target / proto.name)


def last_release() -> str | None:
    """Returns the newest tag that this commit descends from; None before the first release."""
    described = git("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD")
    return described.stdout.decode().strip() if described.returncode == 0 else None


def unpack(tag: str) -> None:
    """Puts the protos of a release, with those they import, below `RELEASED`."""
    shutil.rmtree(RELEASED, ignore_errors=True)
    archive = git("archive", "--format=tar", tag, "protos", "buf.yaml")
    archive.check_returncode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(RELEASED, filter="data")
    write_google_module(RELEASED)


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs git in the repository."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
