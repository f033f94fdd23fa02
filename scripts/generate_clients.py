"""Generates the checked-in code of the clients in other languages from protos/.

    python scripts/generate_clients.py            # write
    python scripts/generate_clients.py --check    # exit 1 where the code in the tree differs

Java and C++ are not here: their builds generate, as is the custom there. A language whose tool is
missing is skipped; with --check, and the environment variable CI set, that is a failure.
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

# By language: the tool that generates, and the files that it writes.
GENERATED = {
    "go": ("go", ("harmonyv1/*.pb.go",)),
    "typescript": ("npm", ("src/gen/**/*",)),
    "rust": ("cargo", ("src/generated/*", "conformance/src/descriptors.binpb")),
}


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Generate the clients' code of protos/.")
    parser.add_argument("--check", action="store_true", help="compare with the tree, write nothing")
    check = parser.parse_args().check
    failed = False
    # buf, and the Google protos that ours import; its checks are another target's.
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
    """Writes the code of a language into its folder, or below another one."""
    command = ["make", "--no-print-directory", "-C", str(CLIENTS / language), "generate"]
    subprocess.run([*command, f"OUT={out}"] if out else command, check=True)


def differences(tree: Path, generated: Path, paths: tuple[str, ...]) -> list[str]:
    """Returns the generated files that the tree has not, or has otherwise, or has too many."""
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
