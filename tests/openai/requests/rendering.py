"""Renders bodies and shows the prompts as text."""

import json
from collections.abc import Callable
from typing import Any, Final

from harmony_server import core
from harmony_server.openai.answer_context import AnswerHeader
from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.prompt import Prompt
from harmony_server.openai.render_policy import RenderPolicy
from harmony_server.openai.request_errors import RequestBodyError
from harmony_server.openai.requests import render_chat_completion, render_model_response

ENCODING: Final = core.load_harmony_encoding("HarmonyGptOss")
HEADER: Final = AnswerHeader(id="answer-1", created=1_750_000_000)
USER: Final = {"role": "user", "content": "Hi."}

SYSTEM: Final = (
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\n"
    "\n"
    "Reasoning: medium\n"
    "\n"
    "# Valid channels: analysis, commentary, final. Channel must be included for every message."
    "<|end|>"
)
SYSTEM_WITH_TOOLS: Final = SYSTEM.replace(
    "<|end|>",
    "\nCalls to these tools must go to the commentary channel: 'functions'.<|end|>",
)
USER_TEXT: Final = "<|start|>user<|message|>Hi.<|end|>"
END: Final = "<|start|>assistant"


def to_bytes(body: Any) -> bytes:
    """Returns a body as JSON; a lone surrogate becomes an escape."""
    return json.dumps(body).encode()


def chat(policy: RenderPolicy | None = None, **members: Any) -> Prompt:
    """Renders a chat completion; without `messages` it has those of USER."""
    body = {"model": "gpt-oss", "messages": [USER], **members}
    return render_chat_completion(ENCODING, to_bytes(body), HEADER, policy)


def respond(
    policy: RenderPolicy | None = None, history: list[Any] | None = None, **members: Any
) -> Prompt:
    """Renders a model response; without `input` it is that of USER."""
    body = {"model": "gpt-oss", "input": "Hi.", **members}
    remembered = None if history is None else to_bytes(history)
    return render_model_response(ENCODING, to_bytes(body), HEADER, policy, remembered)


def chat_body(body: str | bytes) -> Prompt:
    """Renders a chat completion from the text of its body."""
    data = body.encode() if isinstance(body, str) else body
    return render_chat_completion(ENCODING, data, HEADER)


def response_body(body: str | bytes) -> Prompt:
    """Renders a model response from the text of its body."""
    data = body.encode() if isinstance(body, str) else body
    return render_model_response(ENCODING, data, HEADER)


def text(prompt: Prompt) -> str:
    """Returns the whole prompt as text."""
    return ENCODING.decode(prompt.prompt_tokens)


def conversation(prompt: Prompt) -> str:
    """Returns the prompt behind the system message and before `<|start|>assistant`, as text.

    Both must be there, with the defaults.
    """
    shown = text(prompt)
    for system in (SYSTEM, SYSTEM_WITH_TOOLS):
        if shown.startswith(system):
            assert shown.endswith(END)
            return shown.removeprefix(system).removesuffix(END)
    raise AssertionError(shown)


def notices(prompt: Prompt) -> list[tuple[NoticeReason, str]]:
    """Returns reason and place of each notice."""
    return [(notice.reason, notice.field) for notice in prompt.notices]


def refusal(render: Callable[..., Prompt], **members: Any) -> RequestBodyError:
    """Returns the error of a body that is refused."""
    try:
        prompt = render(**members)
    except RequestBodyError as error:
        return error
    raise AssertionError(text(prompt))


def function(name: str, **members: Any) -> dict[str, Any]:
    """Returns a tool of a chat completion."""
    return {"type": "function", "function": {"name": name, **members}}


def flat(name: str, kind: str = "function", **members: Any) -> dict[str, Any]:
    """Returns a tool of a model response."""
    return {"type": kind, "name": name, **members}
