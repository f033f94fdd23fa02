"""Writes the vectors, or checks those in the tree.

python -m tests.conformance.generator            # write
python -m tests.conformance.generator --check    # exit 1 where the files in the tree differ
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from . import (
    batches,
    contents,
    conversations,
    described,
    parses,
    renders,
    schemas,
    streams,
    texts,
)
from .calls import Calls
from .recover import clean, ends, headers, structure
from .recover import streams as recovered_streams
from .reference import Reference
from .vector import Vector, file_text

FOLDER = Path(__file__).parent.parent / "vectors"
SOURCES: Final[dict[str, Sequence[Callable[[Calls], list[Vector]]]]] = {
    "GetEncoding": [described.get_encoding],
    "GetRenderCacheStatistics": [described.get_render_cache_statistics],
    "Render": [renders.render, contents.render, schemas.render],
    "RenderConversation": [conversations.render_conversation],
    "RenderConversationForCompletion": [conversations.render_for_completion],
    "RenderConversationForTraining": [conversations.render_for_training],
    "ParseMessages": [
        parses.parse_messages,
        clean.parse_messages,
        structure.parse_messages,
        headers.parse_messages,
        ends.parse_messages,
    ],
    "Encode": [texts.encode],
    "Decode": [texts.decode],
    "Parse": [streams.parse_stream, recovered_streams.parse_stream],
    "ParseBatch": [batches.parse_batch, recovered_streams.parse_batch],
}


def generate() -> dict[str, str]:
    """Returns the text of every file by its name."""
    calls = Calls(Reference())
    return {
        f"{_snake_case(rpc)}.json": file_text(
            rpc, [vector for source in sources for vector in source(calls)]
        )
        for rpc, sources in SOURCES.items()
    }


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
