"""Checks the protos with buf: their style, and compatibility with the last tagged version.

    python scripts/buf.py              # both checks
    python scripts/buf.py --prepare    # only install buf and copy Google's protos
    python scripts/buf.py --tag v0.2.0 # record the protos; later ones must be compatible with them

Needs npm, and googleapis-common-protos in the Python environment.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = ROOT / "node_modules" / ".bin" / "buf"

# The second module of buf.yaml: local copies, so that a build does not need buf's registry.
GOOGLE_MODULE = Path("build/googleapis")
GOOGLE_PACKAGES = ("google.api", "google.rpc")

# The compiled protos of each tagged version; checked in, because clones in CI often lack tags.
TAGGED = ROOT / "protos" / "tagged"
CURRENT = ROOT / "build" / "protos.binpb"


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Check the protos.")
    parser.add_argument(
        "--prepare", action="store_true", help="only install buf and copy Google's protos"
    )
    parser.add_argument("--tag", metavar="VERSION", help="record the protos as those of a version")
    arguments = parser.parse_args()
    if not BUF.exists():
        # Not `npm ci`, which fails if a registry lacks buf for some other platform; and without
        # install scripts, which buf does not need.
        install = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=ROOT, check=True, stdout=sys.stderr)
    write_google_module()
    if arguments.prepare:
        return 0
    if arguments.tag:
        return record(arguments.tag)
    lint = run_buf("lint")
    if run_buf("build", "protos", "--output", CURRENT) != 0:
        return 1
    breaking = run_buf("breaking", CURRENT, "--against", newest_tagged(), "--config", "buf.yaml")
    return lint or breaking


def write_google_module() -> None:
    """Copies the protos of googleapis-common-protos to where buf.yaml expects them."""
    for package in GOOGLE_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit("googleapis-common-protos is not installed")
        target = ROOT / GOOGLE_MODULE / package.replace(".", "/")
        target.mkdir(parents=True, exist_ok=True)
        for directory in spec.submodule_search_locations:
            for proto in Path(directory).glob("*.proto"):
                shutil.copyfile(proto, target / proto.name)


def record(version: str) -> int:
    """Compiles the protos into the file of a new version; returns buf's exit status."""
    image = TAGGED / f"{version}.binpb"
    if image.exists():
        raise SystemExit(f"{image.name} exists: the protos of a tagged version must not change")
    TAGGED.mkdir(exist_ok=True)
    return run_buf("build", "protos", "--exclude-source-info", "--output", image)


def run_buf(*arguments: str | Path) -> int:
    """Runs buf at the root of the repository; returns its exit status."""
    return subprocess.run([BUF, *arguments], cwd=ROOT, check=False).returncode


def newest_tagged() -> Path:
    """Returns the file with the compiled protos of the newest tagged version."""
    return max(
        TAGGED.glob("v*.binpb"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)]
    )


if __name__ == "__main__":
    sys.exit(main())
