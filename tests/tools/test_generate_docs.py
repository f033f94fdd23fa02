"""docs/clients.md and docs/proxies.md: their commands generate working clients."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from tests.support.documents import blocks, document, section
from tests.support.tools import ROOT, tool

from .gateway import descriptor_set
from .sidecar import Sidecar

_SECONDS = 300


def run(folder: Path, *command: str) -> str:
    """Runs a command in a folder and returns its output."""
    # The Python that runs the tests has pip.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def need(*programs: str) -> None:
    """Skips the test, or fails it in CI, if a program is missing."""
    for program in programs:
        tool(program)


def generate(folder: Path, language: str) -> None:
    """Runs the commands that the document has for a language."""
    (commands,) = blocks(section(document("clients.md"), language), "sh")
    run(folder, "bash", "-e", "-c", commands)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our protos, as in a clone, and Google's."""
    need("protoc")
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "protos", folder / "protos")
    (commands,) = blocks(section(document("clients.md"), "Generate your own"), "sh")
    run(folder, "bash", "-e", "-c", commands)
    return folder


def test_csharp(clone: Path) -> None:
    """The C# commands generate the messages of each proto in the documented namespace."""
    generate(clone, "C#")
    files = {path.name: path.read_text() for path in (clone / "build" / "csharp").iterdir()}
    assert set(files) == {"Chat.cs", "Constraint.cs", "Parse.cs", "Service.cs"}
    assert all("namespace Harmony.V1 {" in text for text in files.values())


@pytest.mark.long
def test_kotlin(clone: Path) -> None:
    """The Kotlin commands generate the coroutine stub, with streams as flows."""
    need("mvn", "java")
    generate(clone, "Kotlin")
    (stubs,) = (clone / "build" / "kotlin").rglob("*.kt")
    text = stubs.read_text()
    assert "package io.github.harmonysidecar.v1" in text
    assert "class HarmonyServiceCoroutineStub" in text
    assert "fun parse(requests: Flow<ParseRequest>" in text


def test_php(clone: Path) -> None:
    """The generated PHP client and the example have no syntax errors."""
    need("php", "grpc_php_plugin")
    generate(clone, "PHP")
    (example,) = blocks(section(document("clients.md"), "PHP"), "php")
    (clone / "example.php").write_text(example)
    files = list((clone / "build" / "php").rglob("*.php"))
    assert clone / "build" / "php" / "Harmony" / "V1" / "HarmonyServiceClient.php" in files
    check = 'for file; do php --syntax-check "$file" || exit 1; done'
    run(clone, "bash", "-c", check, "bash", "example.php", *map(str, files))


def test_ruby(clone: Path, sidecar: Sidecar) -> None:
    """The Ruby example calls a server and prints the reason of an error."""
    need("ruby", "grpc_tools_ruby_protoc")
    generate(clone, "Ruby")
    (example,) = blocks(section(document("clients.md"), "Ruby"), "ruby")
    program = example.replace("127.0.0.1:50051", sidecar.tcp)
    assert run(clone, "ruby", "-e", program) == "[13225]\nINVALID_TOKEN\n"


def test_descriptors_for_envoy(clone: Path) -> None:
    """The descriptors for Envoy have our protos, their imports, and the error details."""
    commands = blocks(section(document("proxies.md"), "Run it"), "sh")[0]
    run(clone, "bash", "-e", "-c", commands)
    made = descriptor_pb2.FileDescriptorSet.FromString(
        (clone / "build" / "harmony.binpb").read_bytes()
    )
    tested = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set())
    assert {file.name for file in made.file} == {file.name for file in tested.file}
