"""The StreamAnswer stream: turns the tokens of one request into frames."""

from harmony_client.openai.v1 import openai_pb2 as pb

from ..contract import openai_from_proto, openai_to_proto
from ..contract.requests import read_request
from ..openai.answers import AnswerStepResult
from ..operations.answers import OpenAnswer
from ..operations.errors import Reason, RequestError
from ..operations.operations import Operations
from .answer_steps import read_step


class AnswerStream:
    """Answers the requests of one StreamAnswer stream. Call `close` at the end.

    Args:
        operations: Gives the encoding, limits and counters.

    Attributes:
        failure: Always None: no tokens are an error, and any other error has no response.
    """

    failure: RequestError | None = None

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._answer: OpenAnswer | None = None

    def is_light(self, _data: bytes) -> bool:
        """Returns False: malformed tokens are much work."""
        return False

    def answer(self, data: bytes) -> bytes:
        """Returns the serialized response to a serialized request.

        Raises:
            RequestError: The request is malformed, invalid, too large or out of order. The stream
                must end.
        """
        request = read_request(pb.StreamAnswerRequest, data)
        kind = request.WhichOneof("request")
        if self._answer is None:
            if kind != "open":
                raise _out_of_order("the first request must carry open")
            return self._open(request.open)
        if kind != "step":
            raise _out_of_order("every request after the first must carry step")
        return _write(self._answer.step(*read_step(request.step, self._operations.limits)))

    def finish(self) -> bytes:
        """Cancels every open choice and returns the serialized response to the half-close."""
        return _write(self._answer.finish()) if self._answer else b""

    def close(self) -> None:
        """Drops the answer, so that its choices no longer count as open."""
        if self._answer is not None:
            self._answer.close()

    def _open(self, opening: pb.OpenAnswer) -> bytes:
        context = openai_from_proto.convert_context(opening.context, "open.context")
        framing = openai_from_proto.convert_framing(opening.framing, "open.framing")
        self._answer = OpenAnswer(self._operations, context, framing, "open")
        return pb.StreamAnswerResponse(frames=self._answer.open()).SerializeToString()


def _write(result: AnswerStepResult) -> bytes:
    response = pb.StreamAnswerResponse(
        frames=result.frames,
        stop_choices=result.stop_choices,
        continue_choices=result.continue_choices,
    )
    if result.result is not None:
        openai_to_proto.fill_result(response.result, result.result)
    return response.SerializeToString()


def _out_of_order(message: str) -> RequestError:
    return RequestError(Reason.OUT_OF_ORDER, message, field="request")
