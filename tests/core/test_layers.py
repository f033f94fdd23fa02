"""Imports and exports of the core, and the cost of importing it."""

import subprocess
import sys

import pytest

from harmony_server import core


def _output_of(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_core_stands_alone() -> None:
    """Using the core imports no gRPC, no protobuf and no other module of the server."""
    program = """
import sys
import harmony_server.core as core
core.load_harmony_encoding("HarmonyGptOss").encode("x")
packages = {name.partition(".")[0] for name in sys.modules}
others = ("grpc", "google", "grpc_health", "grpc_reflection", "grpc_status", "harmony_client")
print(packages & {*others, "click", "prometheus_client", "rich", "structlog", "openai_harmony"})
ours = {name for name in sys.modules if name.partition(".")[0] == "harmony_server"}
print({name for name in ours if name.partition(".")[2].partition(".")[0] not in ("", "core")})
"""
    assert _output_of(program).split() == ["set()", "set()"]


@pytest.mark.parametrize("missing", ["pydantic", "tiktoken"])
@pytest.mark.parametrize("module", ["harmony_server.core", "harmony_server.core.errors"])
def test_a_missing_package_names_the_extra(missing: str, module: str) -> None:
    """If one of its two packages is missing, importing the core says what to install."""
    program = f"""
import sys
sys.modules[{missing!r}] = None
try:
    import {module}
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""
    assert _output_of(program) == (
        f"ImportError: harmony_server.core needs {missing}, which the extra core installs: "
        "pip install 'harmony-sidecar[core]'"
    )


def test_other_missing_packages_are_reported_unchanged() -> None:
    """A missing dependency of those two packages is reported without naming the extra."""
    program = """
import sys
sys.modules["pydantic_core"] = None
try:
    import harmony_server.core
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert _output_of(program) == "pydantic_core"


def test_importing_the_core_does_not_load_the_vocabulary() -> None:
    """The vocabulary is read when an encoding is loaded, not when the core is imported."""
    program = """
import sys
opened = []
def hook(name, arguments):
    if name == "open" and "o200k_base" in str(arguments[0]):
        opened.append(name)
sys.addaudithook(hook)
import harmony_server.core as core
print(len(opened))
core.load_harmony_encoding("HarmonyGptOss")
print(len(opened) > 0)
"""
    assert _output_of(program).split() == ["0", "True"]


def test_the_names_of_the_core() -> None:
    """The core exports exactly these names."""
    assert core.__all__ == [
        "AnalysisRule",
        "Author",
        "ChannelConfig",
        "Content",
        "Conversation",
        "DeveloperContent",
        "HarmonyEncoding",
        "HarmonyEncodingName",
        "HarmonyError",
        "Message",
        "ParseError",
        "ParseMode",
        "ParseOptions",
        "PrefillError",
        "ReasoningEffort",
        "RenderConversationConfig",
        "RenderError",
        "RenderOptions",
        "ResponseFormat",
        "Role",
        "StreamState",
        "StreamableParser",
        "SystemContent",
        "TextContent",
        "ToolDescription",
        "ToolNamespaceConfig",
        "load_harmony_encoding",
        "raise_disallowed_special_token",
    ]
    assert all(hasattr(core, name) for name in core.__all__)


def test_errors_are_runtime_errors() -> None:
    """Every error of the core is a HarmonyError and a RuntimeError."""
    assert issubclass(core.HarmonyError, RuntimeError)
    assert issubclass(core.ParseError, core.HarmonyError)
    assert issubclass(core.RenderError, core.HarmonyError)
