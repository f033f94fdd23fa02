"""Writes dist/sbom.cdx.json: what the container image adds to its base, in CycloneDX.

    python scripts/sbom.py

The packages are those that pip installs for the wheel with the versions of constraints.txt, on the
Python that runs this; then come the parts of other projects that NOTICE names. The same tree gives
the same file.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import venv
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
OUTPUT: Final = ROOT / "dist" / "sbom.cdx.json"
# What is described, and what describes it, are installed apart: neither is to show up in the other.
CONTENTS: Final = ROOT / "build" / "sbom" / "contents"
TOOLS: Final = ROOT / "build" / "sbom" / "tools"
CYCLONEDX: Final = "cyclonedx-bom==7.5.0"
# As the Dockerfile installs it.
EXTRAS: Final = "server,otel"

# Packages whose metadata says it in words that no program understands.
LICENSES: Final = {"protobuf": "BSD-3-Clause", "tiktoken": "MIT"}

# The SHA-256 of tiktoken's own file.
OFFICIAL_VOCABULARY: Final = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

VALIDATE: Final = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(f"not CycloneDX 1.6: {error}" if error else 0)
"""

Component = dict[str, Any]


def main() -> None:
    """Writes the file."""
    document = describe_packages()
    version = run(CONTENTS / "bin" / "python", "-m", "harmony_server", "--version").split()[-1]
    root: Component = document["metadata"]["component"]
    root |= {"version": version, "purl": f"pkg:pypi/harmony-sidecar@{version}"}
    for component in document["components"]:
        if not component.get("licenses"):
            component["licenses"] = licensed(LICENSES[component["name"]])
    bundled = [vocabulary(), builtin_tools(), google_messages()]
    document["components"] += bundled
    for dependency in document["dependencies"]:
        if dependency["ref"] == root["bom-ref"]:
            dependency["dependsOn"] += [component["bom-ref"] for component in bundled]
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    run(TOOLS / "bin" / "python", "-c", VALIDATE, text=text)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text, encoding="utf-8")
    print(f"wrote {OUTPUT.relative_to(ROOT)}, {len(document['components'])} components")


def describe_packages() -> dict[str, Any]:
    """Returns the description of the packages, as a fresh environment has them."""
    venv.create(TOOLS, with_pip=True)
    run(TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", CYCLONEDX)
    venv.create(CONTENTS, clear=True)
    run(
        *(TOOLS / "bin" / "python", "-m", "pip", "--python", CONTENTS / "bin" / "python"),
        *("install", "--quiet", "--constraint", ROOT / "constraints.txt", f"{ROOT}[{EXTRAS}]"),
    )
    document: dict[str, Any] = json.loads(
        run(
            *(TOOLS / "bin" / "cyclonedx-py", "environment", CONTENTS / "bin" / "python"),
            *("--pyproject", ROOT / "pyproject.toml", "--spec-version", "1.6"),
            *("--output-format", "JSON", "--output-reproducible"),
        )
    )
    return document


def vocabulary() -> Component:
    """Returns the component of the vocabulary."""
    return {
        "type": "data",
        "bom-ref": "o200k_base",
        "name": "o200k_base",
        "description": "The vocabulary, harmony_server/core/data/o200k_base.zlib",
        "hashes": [hash_of("harmony_server/core/data/o200k_base.zlib")],
        "licenses": licensed("MIT"),
        "copyright": "Copyright (c) 2022 OpenAI, Shantanu Jain",
        "externalReferences": [{"type": "vcs", "url": "https://github.com/openai/tiktoken"}],
        "pedigree": {
            "ancestors": [
                {
                    "type": "data",
                    "name": "o200k_base.tiktoken",
                    "hashes": [sha256(OFFICIAL_VOCABULARY)],
                }
            ],
            "notes": "Repacked by scripts/pack_vocabulary.py.",
        },
    }


def builtin_tools() -> Component:
    """Returns the component of the texts of the built-in tools."""
    return {
        "type": "file",
        "bom-ref": "builtin_tools",
        "name": "harmony_server/core/builtin_tools.py",
        "description": "The texts of the built-in tools browser and python",
        "hashes": [hash_of("harmony_server/core/builtin_tools.py")],
        "licenses": licensed("Apache-2.0"),
        "copyright": "Copyright OpenAI",
        "pedigree": {"ancestors": [package("openai-harmony", "0.0.8")]},
    }


def google_messages() -> Component:
    """Returns the component of the generated Google messages."""
    return {
        "type": "file",
        "bom-ref": "google_messages",
        "name": "harmony_client/_google/generated",
        "description": "Code generated from google/api and google/rpc",
        "licenses": licensed("Apache-2.0"),
        "copyright": "Copyright Google LLC",
        "pedigree": {"ancestors": [package("googleapis-common-protos", "1.76.0")]},
    }


def package(name: str, version: str) -> Component:
    """Returns a package that something was taken from."""
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": purl}


def licensed(identifier: str) -> list[dict[str, Any]]:
    """Returns a licence as its owner declares it."""
    return [{"license": {"id": identifier, "acknowledgement": "declared"}}]


def hash_of(path: str) -> dict[str, str]:
    """Returns the hash of a file of the tree."""
    return sha256(hashlib.sha256((ROOT / path).read_bytes()).hexdigest())


def sha256(digest: str) -> dict[str, str]:
    """Returns a SHA-256 as CycloneDX writes it."""
    return {"alg": "SHA-256", "content": digest}


def run(*command: str | Path, text: str | None = None) -> str:
    """Runs a command away from the tree, whose packages are not to be found; returns its output."""
    return subprocess.run(
        command, cwd=TOOLS, check=True, input=text, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
