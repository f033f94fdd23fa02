"""Writes dist/sbom.cdx.json, a CycloneDX list of what the container image adds to its base.

    python scripts/sbom.py

It lists the packages that pip installs with the wheel, at the versions in constraints.txt and for
the Python that runs this script, and the parts of other projects that NOTICE names. The output is
reproducible.
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
# Separate environments, so that the tools do not appear in the list.
CONTENTS: Final = ROOT / "build" / "sbom" / "contents"
TOOLS: Final = ROOT / "build" / "sbom" / "tools"
CYCLONEDX: Final = "cyclonedx-bom==7.5.0"
# Those that the Dockerfile installs.
EXTRAS: Final = "server,otel"

# For packages whose metadata has free text instead of an SPDX identifier.
LICENSES: Final = {"protobuf": "BSD-3-Clause", "tiktoken": "MIT"}

# SHA-256 of tiktoken's o200k_base.tiktoken.
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
    """Writes the list. Raises subprocess.CalledProcessError if it is not valid CycloneDX."""
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
    """Returns the list of the packages, installed into a fresh environment."""
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
    """Returns the vocabulary as a component."""
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
    """Returns the texts of the built-in tools as a component."""
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
    """Returns the generated Google messages as a component."""
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
    """Returns a package, the origin of another component, as a component."""
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": purl}


def licensed(identifier: str) -> list[dict[str, Any]]:
    """Returns the licence of a component, declared by its owner."""
    return [{"license": {"id": identifier, "acknowledgement": "declared"}}]


def hash_of(path: str) -> dict[str, str]:
    """Returns the hash of a file in the repository."""
    return sha256(hashlib.sha256((ROOT / path).read_bytes()).hexdigest())


def sha256(digest: str) -> dict[str, str]:
    """Returns a SHA-256 in CycloneDX's form."""
    return {"alg": "SHA-256", "content": digest}


def run(*command: str | Path, text: str | None = None) -> str:
    """Runs a command and returns its output."""
    # Not at the root, or Python would import the packages there.
    return subprocess.run(
        command, cwd=TOOLS, check=True, input=text, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
