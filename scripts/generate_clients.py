"""Generates the Go, TypeScript and Rust code of protos/ into clients/.

    python scripts/generate_clients.py            # write
    python scripts/generate_clients.py --check    # exit 1 if the checked-in code differs

Java and C++ generate their code when they build. A language whose tool is missing is skipped; with
--check and the environment variable CI, that is a failure.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "clients"

# For each language, the tool that must be installed and the files that it generates.
GENERATED = {
    "go": ("go", ("harmonyv1/*.pb.go", "harmonyopenaiv1/*.pb.go")),
    "typescript": ("npm", ("src/gen/**/*",)),
    "rust": ("cargo", ("src/generated/*", "conformance/src/descriptors.binpb")),
}


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Generate the clients' code from protos/.")
    parser.add_argument("--check", action="store_true", help="compare with the checked-in code")
    check = parser.parse_args().check
    failed = False
    # The generators need buf and Google's protos.
    subprocess.run([sys.executable, ROOT / "scripts" / "buf.py", "--prepare"], cwd=ROOT, check=True)
    for language, (tool, paths) in GENERATED.items():
        if shutil.which(tool) is None:
            print(f"SKIP {language}: no {tool}", file=sys.stderr)
            failed = failed or (check and "CI" in os.environ)
        elif not check:
            generate(language)
        else:
            with tempfile.TemporaryDirectory() as directory:
                generate(language, Path(directory))
                different = differences(CLIENTS / language, Path(directory), paths)
            for path in different:
                print(f"differs: clients/{language}/{path}", file=sys.stderr)
            failed = failed or bool(different)
    if failed:
        print("run: make generate", file=sys.stderr)
    return int(failed)


def generate(language: str, out: Path | None = None) -> None:
    """Generates the code of a language into its folder, or below `out`."""
    command = ["make", "--no-print-directory", "-C", str(CLIENTS / language), "generate"]
    subprocess.run([*command, f"OUT={out}"] if out else command, check=True)


def differences(tree: Path, generated: Path, paths: tuple[str, ...]) -> list[str]:
    """Returns the paths of files that differ or exist in only one of the two folders, sorted."""
    files = {
        file.relative_to(root).as_posix()
        for root in (tree, generated)
        for path in paths
        for file in root.glob(path)
        if file.is_file()
    }
    return sorted(
        file
        for file in files
        if not ((tree / file).is_file() and (generated / file).is_file())
        or not filecmp.cmp(tree / file, generated / file, shallow=False)
    )


if __name__ == "__main__":
    sys.exit(main())
