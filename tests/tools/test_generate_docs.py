"""docs/clients.md and docs/proxies.md: what their commands generate is a client."""

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
    """Runs a command in a folder and returns what it prints."""
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
    """Ends the test where a program is missing."""
    for program in programs:
        tool(program)


def generated(folder: Path, language: str) -> None:
    """Runs the commands of a language."""
    (commands,) = blocks(section(document("clients.md"), language), "sh")
    run(folder, "bash", "-e", "-c", commands)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands find in a clone, and Google's protos."""
    need("protoc")
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "protos", folder / "protos")
    (commands,) = blocks(section(document("clients.md"), "Generate your own"), "sh")
    run(folder, "bash", "-e", "-c", commands)
    return folder


def test_csharp(clone: Path) -> None:
    """The messages of each proto, in the namespace that the document names."""
    generated(clone, "C#")
    files = {path.name: path.read_text() for path in (clone / "build" / "csharp").iterdir()}
    assert set(files) == {"Chat.cs", "Parse.cs", "Service.cs"}
    assert all("namespace Harmony.V1 {" in text for text in files.values())


def test_kotlin(clone: Path) -> None:
    """The coroutine stub that the example uses, with streams as flows."""
    need("mvn", "java")
    generated(clone, "Kotlin")
    (stubs,) = (clone / "build" / "kotlin").rglob("*.kt")
    text = stubs.read_text()
    assert "package io.github.harmonysidecar.v1" in text
    assert "class HarmonyServiceCoroutineStub" in text
    assert "fun parse(requests: Flow<ParseRequest>" in text


def test_php(clone: Path) -> None:
    """The client and the example are PHP without errors of syntax."""
    need("php", "grpc_php_plugin")
    generated(clone, "PHP")
    (example,) = blocks(section(document("clients.md"), "PHP"), "php")
    (clone / "example.php").write_text(example)
    files = list((clone / "build" / "php").rglob("*.php"))
    assert clone / "build" / "php" / "Harmony" / "V1" / "HarmonyServiceClient.php" in files
    check = 'for file; do php --syntax-check "$file" || exit 1; done'
    run(clone, "bash", "-c", check, "bash", "example.php", *map(str, files))


def test_ruby(clone: Path, sidecar: Sidecar) -> None:
    """The example calls a server and reads the reason of an error."""
    need("ruby", "grpc_tools_ruby_protoc")
    generated(clone, "Ruby")
    (example,) = blocks(section(document("clients.md"), "Ruby"), "ruby")
    program = example.replace("127.0.0.1:50051", sidecar.tcp)
    assert run(clone, "ruby", "-e", program) == "[13225]\nINVALID_TOKEN\n"


def test_descriptors_for_envoy(clone: Path) -> None:
    """The file for Envoy has our protos, those they import, and the details of errors."""
    commands = blocks(section(document("proxies.md"), "Run it"), "sh")[0]
    run(clone, "bash", "-e", "-c", commands)
    made = descriptor_pb2.FileDescriptorSet.FromString(
        (clone / "build" / "harmony.binpb").read_bytes()
    )
    tested = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set())
    assert {file.name for file in made.file} == {file.name for file in tested.file}
