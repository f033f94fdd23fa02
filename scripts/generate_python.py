"""Generates the Python code of protos/ into harmony_client/.

    python scripts/generate_python.py            # write
    python scripts/generate_python.py --check    # exit 1 if the checked-in code differs

The generators need an old protobuf runtime, so they run in their own virtual environment,
`.venv-generate`, which the first run creates.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
CLIENT = ROOT / "harmony_client"
ENVIRONMENT = ROOT / ".venv-generate"

# Old on purpose: generated code rejects a protobuf or grpcio older than its generator, so these are
# the oldest versions that the client works with.
REQUIREMENTS = (
    "googleapis-common-protos==1.76.0",
    "grpcio-tools==1.72.1",
    "mypy-protobuf==3.6.0",
    "protobuf==6.33.6",
    "types-protobuf==6.32.1.20251210",
)

# Those that the harmony protos import or are about to, and the imports of those.
GOOGLE_PROTOS = (
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
)

# Directories below harmony_client/ with nothing but generated code and __init__.py.
GENERATED = ("v1", "openai/v1", "_google/generated")

# harmony_client._google uses the installed Google package, or else the generated copies.
REWRITES = (
    (re.compile(r"\bfrom google\.(?:api|rpc) import"), "from harmony_client._google import"),
    (re.compile(r"\bfrom harmony\.(v1|openai\.v1) import"), r"from harmony_client.\1 import"),
    # Imports and dotted names in stubs; and the __module__ of messages, which pickle needs.
    (re.compile(r"\bharmony\.(v1|openai\.v1)\.(\w+_pb2)\b"), r"harmony_client.\1.\2"),
)
# The generated copies must import each other, whatever is installed.
GOOGLE_REWRITES = (
    (
        re.compile(r"\bfrom google\.(?:api|rpc) import"),
        "from harmony_client._google.generated import",
    ),
    (re.compile(r"'google\.(?:api|rpc)\.(\w+_pb2)'"), r"'harmony_client._google.generated.\1'"),
)

GOOGLE_HEADER = """\
# Generated from {proto} as shipped in {source}.
# Copyright Google LLC. Licensed under the Apache License, Version 2.0.
"""


def environment_python() -> Path:
    """Returns the Python that has the generators, which it installs if necessary."""
    python = ENVIRONMENT / "bin" / "python"
    installed = ENVIRONMENT / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if not (installed.is_file() and installed.read_text() == wanted):
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        installed.write_text(wanted)
    return python


def run_protoc(python: Path, google: Path, outputs: list[str], protos: list[str]) -> None:
    """Runs protoc of the generators' environment, with its plugins on the PATH."""
    command = [str(python), "-m", "grpc_tools.protoc"]
    command += [f"--proto_path={PROTOS}", f"--proto_path={google}", *outputs]
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run([*command, *protos], check=True, env={**os.environ, "PATH": path})


def rewrite(text: str, rewrites: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    """Returns a generated file's text with its imports adapted to this package."""
    for pattern, replacement in rewrites:
        text = pattern.sub(replacement, text)
    return text


def generate() -> dict[Path, str]:
    """Returns the text of each generated file, by its path below harmony_client/."""
    python = environment_python()
    # googleapis-common-protos installs its .proto files beside its modules.
    google = next((ENVIRONMENT / "lib").glob("python*/site-packages"))
    protos = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    files: dict[Path, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        messages = [f"--python_out={out}", f"--pyi_out={out}"]
        run_protoc(python, google, messages, [*protos, *GOOGLE_PROTOS])
        stubs = [f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"]
        services = [proto for proto in protos if has_service(PROTOS / proto)]
        run_protoc(python, google, stubs, services)
        for path in sorted((out / "harmony").rglob("*.py*")):
            files[path.relative_to(out / "harmony")] = rewrite(path.read_text(), REWRITES)
        for proto in GOOGLE_PROTOS:
            header = GOOGLE_HEADER.format(proto=proto, source=REQUIREMENTS[0].replace("==", " "))
            for suffix in (".py", ".pyi"):
                path = out / f"{proto.removesuffix('.proto')}_pb2{suffix}"
                text = header + rewrite(path.read_text(), GOOGLE_REWRITES)
                files[Path("_google/generated") / path.name] = text
    return files


def has_service(proto: Path) -> bool:
    """Returns whether a proto defines a service; without one, its stub module would be empty."""
    return re.search(r"^service ", proto.read_text(), re.MULTILINE) is not None


def read_tree() -> dict[Path, str]:
    """Returns the checked-in files in the form of `generate`."""
    return {
        path.relative_to(CLIENT): path.read_text()
        for directory in GENERATED
        for path in (CLIENT / directory).glob("*_pb2*.py*")
    }


def write(files: dict[Path, str]) -> None:
    """Writes the generated files and deletes those that are no longer generated."""
    for stale in read_tree().keys() - files.keys():
        (CLIENT / stale).unlink()
    for path, text in files.items():
        (CLIENT / path).parent.mkdir(parents=True, exist_ok=True)
        (CLIENT / path).write_text(text)


def differences(files: dict[Path, str]) -> list[str]:
    """Returns a line for each file that is missing, stale or different in the tree."""
    tree = read_tree()
    summary = []
    for path in sorted(files.keys() | tree.keys()):
        if path not in tree:
            summary.append(f"missing: {path}")
        elif path not in files:
            summary.append(f"stale: {path}")
        elif files[path] != tree[path]:
            lines = difflib.unified_diff(tree[path].split("\n"), files[path].split("\n"), n=0)
            changed = sum(not line.startswith(("---", "+++", "@@")) for line in lines)
            summary.append(f"differs: {path} ({changed} changed lines)")
    return summary


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Generate the Python code from protos/.")
    parser.add_argument("--check", action="store_true", help="compare with the checked-in code")
    arguments = parser.parse_args()
    files = generate()
    if not arguments.check:
        write(files)
        return 0
    summary = differences(files)
    for line in summary:
        print(line, file=sys.stderr)
    if summary:
        print("run: python scripts/generate_python.py", file=sys.stderr)
    return 1 if summary else 0


if __name__ == "__main__":
    sys.exit(main())
