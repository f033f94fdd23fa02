"""The runner: plays every vector of a folder against a server.

python -m tests.conformance --target 127.0.0.1:50051 tests/conformance/vectors
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc

from devtools.vector_files import read_vectors

from .playing import play

_MAX_LINES = 5  # shown for each failed vector


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance", description="Play conformance vectors against a server."
    )
    parser.add_argument("--target", required=True, help="host:port or unix:///path")
    parser.add_argument("--ca", type=Path, help="dial TLS and trust the CA in this PEM file")
    parser.add_argument("folder", type=Path, help="the folder with the vectors")
    options = parser.parse_args(arguments)
    with _channel(options.target, options.ca) as channel:
        return _play_all(channel, options.folder)


def _channel(target: str, ca: Path | None) -> grpc.Channel:
    if ca is None:
        return grpc.insecure_channel(target)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(ca.read_bytes()))


def _play_all(channel: grpc.Channel, folder: Path) -> int:
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for vector in read_vectors(folder):
        found = play(channel, vector)
        (failed if found else passed)[vector.rpc] += 1
        if found:
            print(f"FAILED {vector.name}")
            for line in found[:_MAX_LINES]:
                print(f"    {line}")
            if len(found) > _MAX_LINES:
                print(f"    and {len(found) - _MAX_LINES} more differences")
    for rpc in sorted(passed.keys() | failed.keys()):
        print(f"{rpc}: {passed[rpc]} passed, {failed[rpc]} failed")
    print(f"total: {passed.total()} passed, {failed.total()} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
