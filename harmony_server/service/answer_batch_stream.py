"""Placeholder until the batch of answers is merged."""

from ..operations.errors import RequestError
from ..operations.operations import Operations


class AnswerBatchStream:
    """Answers the requests of one StreamAnswerBatch stream."""

    failure: RequestError | None = None

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def answer(self, data: bytes) -> bytes:
        """Returns the response."""
        raise NotImplementedError(data)

    def finish(self) -> bytes:
        """Returns the response to the half-close."""
        return b""

    def close(self) -> None:
        """Does nothing."""
