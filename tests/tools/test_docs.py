"""docs/clients.md and docs/proxies.md: commands print the shown output, links work."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.support.documents import blocks, commands, document
from tests.support.tools import ROOT, tool

from .gateway import Gateway
from .go_tools import GRPCURL, HEALTH_PROBE
from .sidecar import Sidecar

_SECONDS = 60


def run(line: str, *folders: str) -> str:
    """Runs a shell command with extra folders on the path, and returns its output."""
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout


@pytest.mark.long
def test_grpcurl_and_health_probe(sidecar: Sidecar) -> None:
    """The commands of docs/clients.md print the output shown there."""
    text = document("clients.md")
    folders = [str(tool.built().parent) for tool in (GRPCURL, HEALTH_PROBE)]
    shown = commands(text)
    assert len(shown) == 5
    for command in shown:
        line = command.line.replace("127.0.0.1:50051", sidecar.tcp)
        # The tests' server offers the second service too.
        printed = run(line, *folders).replace("harmony.openai.v1.OpenAIService\n", "")
        assert printed.strip() == command.output.strip()
    installed = re.findall(r"^go install (.*)$", "\n".join(blocks(text, "sh")), re.MULTILINE)
    assert installed == [GRPCURL.source, HEALTH_PROBE.source]


def test_curl(gateway: Gateway) -> None:
    """The commands of docs/proxies.md print the output shown there."""
    tool("curl")
    shown = commands(document("proxies.md"))
    assert len(shown) == 4
    for command in shown:
        printed = run(command.line.replace("127.0.0.1:8080", gateway.address))
        assert printed.strip() == command.output.strip()


@pytest.mark.parametrize("name", ["clients.md", "proxies.md"])
def test_links(name: str) -> None:
    """Each relative link leads to a file."""
    targets = re.findall(r"\]\((?!https:|#)([^)#]+)", document(name))
    assert len(targets) > 3
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
