"""The extra `core`: rendering and parsing with tiktoken and pydantic, without gRPC."""

import os
import subprocess
import venv
from pathlib import Path

import pytest

from .pins import CONSTRAINTS

pytestmark = pytest.mark.runtimes

_ROOT = Path(__file__).parents[2]
# Installing from the package index takes 15 s.
_TIMEOUT_SECONDS = 600

_PROGRAM = """
import importlib.util, sys
import harmony_server.core as core

encoding = core.load_harmony_encoding("HarmonyGptOss")
question = core.Message.from_role_and_content(core.Role.USER, "Hello")
conversation = core.Conversation.from_messages([question])
print(encoding.render_conversation_for_completion(conversation, core.Role.ASSISTANT))
sampled = encoding.encode("<|channel|>final<|message|>Hi<|return|>", allowed_special="all")
[answer] = encoding.parse_messages_from_completion_tokens(sampled, core.Role.ASSISTANT)
print(answer.to_json())
for package in ("grpc", "google"):
    print(package in sys.modules, importlib.util.find_spec(package))
"""


@pytest.mark.long
def test_the_core_needs_no_grpc(tmp_path: Path) -> None:
    """The core renders and parses in an environment with only tiktoken and pydantic."""
    venv.create(tmp_path, with_pip=True)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [tmp_path / "bin" / "python", *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    install = ("-m", "pip", "install", "--quiet")
    # Without dependencies, because the project also depends on its client's packages.
    run(*install, "--no-deps", str(_ROOT))
    run(*install, f"--constraint={CONSTRAINTS}", "pydantic", "tiktoken")
    assert run("-c", _PROGRAM).splitlines() == [
        "[200006, 1428, 200008, 13225, 200007, 200006, 173781]",
        '{"role": "assistant", "name": null, "content": [{"type": "text", "text": "Hi"}], '
        '"channel": "final"}',
        "False None",
        "False None",
    ]
