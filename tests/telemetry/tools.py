"""The programs that these tests need besides Python: Debian's package prometheus, Node.js."""

import shutil

from tests.deploy.tools import missing


def tool(name: str) -> str:
    """Returns the path of a program; without it the test is skipped, and fails in CI."""
    return shutil.which(name) or missing(name)
