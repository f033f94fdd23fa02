"""Checks the protos with buf: style, and no change that breaks users of the last tagged version.

    python scripts/buf.py              # both checks
    python scripts/buf.py --prepare    # makes buf ready and checks nothing
    python scripts/buf.py --tag v0.2.0 # makes the protos as they are what later ones compare with

Needs npm, and googleapis-common-protos in the environment that runs it.
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

# The second module of buf.yaml. buf would otherwise take these files from its schema registry,
# which a build need not be able to reach.
GOOGLE_MODULE = Path("build/googleapis")
GOOGLE_PACKAGES = ("google.api", "google.rpc")

# The protos of each tagged version, compiled. They are in the tree, so that a clone without tags,
# which is what CI often has, compares too.
TAGGED = ROOT / "protos" / "tagged"
CURRENT = ROOT / "build" / "protos.binpb"


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Check the protos.")
    parser.add_argument("--prepare", action="store_true", help="make buf ready, check nothing")
    parser.add_argument("--tag", metavar="VERSION", help="keep the protos as those of a version")
    arguments = parser.parse_args()
    if not BUF.exists():
        # Not `npm ci`: it fails where a registry lacks buf for some other platform. buf finds its
        # binary without the install script.
        install = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=ROOT, check=True, stdout=sys.stderr)
    write_google_module()
    if arguments.prepare:
        return 0
    if arguments.tag:
        return keep(arguments.tag)
    lint = run_buf("lint")
    if run_buf("build", "protos", "--output", CURRENT) != 0:
        return 1
    breaking = run_buf("breaking", CURRENT, "--against", newest(), "--config", "buf.yaml")
    return lint or breaking


def write_google_module() -> None:
    """Puts the Google protos of googleapis-common-protos where buf.yaml looks for them."""
    for package in GOOGLE_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit("googleapis-common-protos is not installed")
        target = ROOT / GOOGLE_MODULE / package.replace(".", "/")
        target.mkdir(parents=True, exist_ok=True)
        for directory in spec.submodule_search_locations:
            for proto in Path(directory).glob("*.proto"):
                shutil.copyfile(proto, target / proto.name)


def keep(version: str) -> int:
    """Compiles the protos as those of a version."""
    image = TAGGED / f"{version}.binpb"
    if image.exists():
        raise SystemExit(f"{image.name} is there already: a tagged version does not change")
    TAGGED.mkdir(exist_ok=True)
    return run_buf("build", "protos", "--exclude-source-info", "--output", image)


def run_buf(*arguments: str | Path) -> int:
    """Runs buf in the repository; returns its exit status."""
    return subprocess.run([BUF, *arguments], cwd=ROOT, check=False).returncode


def newest() -> Path:
    """Returns the compiled protos of the newest version."""
    return max(
        TAGGED.glob("v*.binpb"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)]
    )


if __name__ == "__main__":
    sys.exit(main())
