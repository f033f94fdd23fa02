"""docs/openai.md shows code that works and limits that hold."""

import re

import pytest

from devtools.server_process import running_server
from harmony_server.openai.requests import bounds
from tests.support.documents import document
from tests.support.tools import ROOT


@pytest.fixture
def page() -> str:
    """The text of the page."""
    return document("openai.md")


def test_the_go_server_is_compiled_and_short(page: str) -> None:
    """The Go function of the page stands in the client's example, which `go vet` compiles."""
    (code,) = re.findall(r"```go\n(.*?)```", page, re.DOTALL)
    example = ROOT / "clients" / "go" / "harmonyopenaiv1" / "example_test.go"
    assert code in example.read_text("utf-8")


def test_the_python_example_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python example prints the body of an answer."""
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with running_server("--openai", "--listen", "127.0.0.1:0") as (_, address):
        exec(code.replace("127.0.0.1:50051", address), {})
    printed = capsys.readouterr().out
    assert printed.startswith("200 {")
    assert '"content":"It rains."' in printed


def test_the_limits_of_the_page(page: str) -> None:
    """The fixed limits are those of the code."""
    assert f"| choices | {bounds.MAX_CHOICES} |" in page
    stops = f"{bounds.MAX_STOP_STRINGS}, of at most {bounds.MAX_STOP_STRING_BYTES} bytes each"
    assert f"| stop strings | {stops} |" in page
    assert f"| tools | {bounds.MAX_TOOLS:,} |" in page
