"""The unary RPCs of the OpenAI layer."""

from harmony_client.openai.v1 import openai_pb2 as pb

from ..contract import openai_from_proto, openai_to_proto, wire
from ..contract.requests import read_request
from ..operations import answers, prompts
from ..operations.offloading import PreparedWork
from ..operations.operations import Operations
from .answer_steps import read_step


class OpenAIService:
    """Implements the unary RPCs of harmony.openai.v1.OpenAIService, as `HarmonyService` does.

    Args:
        operations: Does the work; it must have been created with TOKEN_PACKING.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def render_chat_completion(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render the prompt of a chat completion."""
        request = read_request(pb.RenderChatCompletionRequest, data)
        work = prompts.prepare_chat_completion(
            self._operations,
            request.body_json,
            openai_from_proto.convert_header(request.header, "header"),
            openai_from_proto.convert_policy(request.policy, "policy"),
        )
        return PreparedWork(work.size, lambda: _write_prompt(work.do()))

    def render_model_response(self, data: bytes) -> PreparedWork[bytes]:
        """Prepares to render the prompt of a model response."""
        request = read_request(pb.RenderModelResponseRequest, data)
        work = prompts.prepare_model_response(
            self._operations,
            request.body_json,
            openai_from_proto.convert_header(request.header, "header"),
            openai_from_proto.convert_policy(request.policy, "policy"),
            request.history_json if request.HasField("history_json") else None,
        )

        def render() -> bytes:
            rendered = work.do()
            items = pb.RenderModelResponseResponse(
                input_items_json=rendered.prompt.input_items_json or b""
            )
            # Serialized responses, joined, are one response.
            return _write_prompt(rendered) + items.SerializeToString()

        return PreparedWork(work.size, render)

    def build_answer(self, data: bytes) -> bytes:
        """Turns all tokens of one request into the body of its answer."""
        request = read_request(pb.BuildAnswerRequest, data)
        context = openai_from_proto.convert_context(request.context, "context")
        step = read_step(request.step, self._operations.limits)
        response = pb.BuildAnswerResponse()
        openai_to_proto.fill_result(
            response.result, answers.build(self._operations, context, *step)
        )
        return response.SerializeToString()


def _write_prompt(rendered: prompts.RenderedPrompt) -> bytes:
    rest = pb.Prompt()
    openai_to_proto.fill_prompt(rest, rendered.prompt)
    return wire.write_prompt_response(rendered.packed, rest.SerializeToString())
