"""Writes the vectors, or checks those in the tree.

python -m tests.conformance.generator            # write
python -m tests.conformance.generator --check    # exit 1 where the files in the tree differ
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import service_pb2

from . import (
    answer_batches,
    answers,
    attributed,
    batches,
    constrained,
    contents,
    continuations,
    conversations,
    described,
    parses,
    prompts,
    renders,
    schemas,
    streams,
    texts,
)
from .calls import Calls
from .recover import clean, ends, headers, structure
from .recover import streams as recovered_streams
from .reference import Reference
from .vector import file_text

FOLDER = Path(__file__).parent.parent / "vectors"
SERVICES: Final = (
    service_pb2.DESCRIPTOR.services_by_name["HarmonyService"],
    openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"],
)
# A function `encode_vectors` in any of these returns vectors of Encode, and so on.
MODULES: Final = (
    *(described, renders, contents, schemas, conversations, constrained),
    *(attributed, continuations),
    *(parses, clean, structure, headers, ends),
    *(texts, streams, batches, recovered_streams),
    *(prompts, answers, answer_batches),
)


def generate() -> dict[str, str]:
    """Returns the text of every file by its name."""
    calls = Calls(Reference())
    files = {}
    for rpc in (method.name for service in SERVICES for method in service.methods):
        name = _snake_case(rpc)
        sources = [getattr(module, f"{name}_vectors", None) for module in MODULES]
        vectors = [vector for source in sources if source for vector in source(calls)]
        files[f"{name}.json"] = file_text(rpc, vectors)
    return files


def differences(files: dict[str, str]) -> list[str]:
    """Returns a line for every file in the tree that is not as it should be."""
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    return [
        f"{'differs' if name in present and name in files else 'missing or stale'}: {name}"
        for name in sorted(present.keys() | files.keys())
        if present.get(name) != files.get(name)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance.generator", description="Write the conformance vectors."
    )
    parser.add_argument("--check", action="store_true", help="compare with the tree, write nothing")
    files = generate()
    if not parser.parse_args(arguments).check:
        for path in FOLDER.iterdir():
            if path.name not in files:
                path.unlink()
        for name, text in files.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    found = differences(files)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("run: python -m tests.conformance.generator", file=sys.stderr)
    return 1 if found else 0


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    sys.exit(main())
