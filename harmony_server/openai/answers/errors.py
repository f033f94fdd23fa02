"""What is wrong with the input of an answer: a fault of the caller's, never of the model's."""

from typing import Literal

InputFault = Literal["INVALID_CONTEXT", "INVALID_FIELD", "SEQUENCE_OPEN"]


class AnswerInputError(ValueError):
    """An input that cannot be meant.

    Nothing of the step, or of the opening, was applied. The text has nothing of a conversation.

    Attributes:
        field: The place in the input, such as `choices[2]`.
        message: What is wrong with it.
        reason: The reason of the error.
    """

    def __init__(self, field: str, message: str, reason: InputFault = "INVALID_FIELD") -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.reason: InputFault = reason
