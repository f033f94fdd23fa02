"""An HTTP server with OpenAI's two endpoints, between a sidecar and a scripted engine.

Run `harmony-server serve --openai` and `python examples/openai_server.py 127.0.0.1:50051`, or both
with `make demo-openai`. Put your engine in the place of `generate`; the rest stays.
"""

import asyncio
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from harmony_client import AsyncClient, RpcError
from harmony_client.openai import AnswerHeader, Prompt, StreamAnswerResponse

SECONDS_PER_TOKEN = 0.01
JSON = "application/json"
THOUGHT = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant"
ARGUMENTS = '{"city":"Oslo"}<|call|>'
CALL = f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{ARGUMENTS}"
FINAL = "<|channel|>final<|message|>It rains in Oslo. Take an umbrella. ☔<|return|>"


async def generate(sidecar: AsyncClient, prompt: Prompt, stopped: set[int]) -> AsyncIterator[Any]:
    """The engine: samples a token a step for each choice that the answer has not stopped."""
    if prompt.prefilled:  # the request requires a call, and the prompt begins it
        script = ARGUMENTS
    elif prompt.context.tools and "to=assistant" not in await sidecar.decode(prompt.prompt_tokens):
        script = THOUGHT.format("I need to look up the weather.") + CALL
    else:
        script = THOUGHT.format("The answer is short.") + FINAL
    tokens = await sidecar.encode(script, allowed_special="all")
    limit = prompt.sampling.max_tokens if prompt.sampling.HasField("max_tokens") else len(tokens)
    for token in tokens[:limit]:
        await asyncio.sleep(SECONDS_PER_TOKEN)
        choices = [choice for choice in range(prompt.choices) if choice not in stopped]
        yield {"tokens": [token] * len(choices), "choices": choices}
    reason = "length" if limit < len(tokens) else "stop"
    yield {"tokens": [], "ends": dict.fromkeys(range(prompt.choices), reason)}


async def respond(sidecar: AsyncClient, prompt: Prompt) -> AsyncGenerator[StreamAnswerResponse]:
    """Yields the sidecar's response to each step of the engine; the last one has the result."""
    stopped: set[int] = set()
    # Leaving the block, for whatever reason, ends the sidecar's stream.
    async with sidecar.stream_answer(prompt.context) as answer:
        yield await answer.open()
        async for step in generate(sidecar, prompt, stopped):
            response = await answer.step(**step)
            stopped.update(response.stop_choices)
            yield response


async def write(responses: AsyncIterator[StreamAnswerResponse]) -> AsyncIterator[bytes]:
    """Yields what the client reads; Starlette cancels it when the client has gone."""
    try:
        async for response in responses:
            yield response.frames
    except RpcError as error:  # too late for a status
        yield b"data: " + bytes(failure(error).body) + b"\n\n"


def failure(error: RpcError) -> Response:
    """Returns what to tell the client: the sidecar says it where the request is at fault."""
    unknown = '{"error":{"message":"the server failed","type":"server_error"}}'
    body = error.metadata.get("openai_error_json", unknown)
    return Response(body, int(error.metadata.get("http_status", 500)), media_type=JSON)


def build_app(sidecar: AsyncClient) -> Starlette:
    """Returns the application."""

    def route(path: str, prefix: str, render: Callable[..., Awaitable[Any]]) -> Route:
        async def answer(request: Request) -> Response:
            header = AnswerHeader(id=prefix + secrets.token_hex(12), created=int(time.time()))
            try:
                rendered = await render(await request.body(), header)
                prompt = rendered if isinstance(rendered, Prompt) else rendered.prompt
                responses = respond(sidecar, prompt)
                if prompt.stream:
                    return StreamingResponse(write(responses), media_type="text/event-stream")
                async with aclosing(responses):
                    async for response in responses:
                        if response.HasField("result"):
                            result = response.result
                            return Response(result.body_json, result.http_status, media_type=JSON)
                        if await request.is_disconnected():
                            break
            except RpcError as error:
                return failure(error)
            return Response(status_code=499)

        return Route(path, answer, methods=["POST"])

    chat = route("/v1/chat/completions", "chatcmpl-", sidecar.render_chat_completion)
    return Starlette(routes=[chat, route("/v1/responses", "resp_", sidecar.render_model_response)])


async def main(target: str) -> None:
    """Serves on a free port of 127.0.0.1 until interrupted."""
    async with AsyncClient(target) as sidecar:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            print(f"serving http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
            config = uvicorn.Config(build_app(sidecar), log_level="warning")
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
