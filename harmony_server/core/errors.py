"""The errors that the core raises."""

from typing import NoReturn


class HarmonyError(RuntimeError):
    """A conversation that cannot be rendered, or tokens that cannot be parsed or decoded."""


class ParseError(HarmonyError):
    """Malformed output, and where parsing stopped.

    Attributes:
        token: The token id that does not fit, or None for the end of the stream.
        offset: The offset of that token, counted from 0.
        state: The parser's state before that token: `ExpectStart`, `Header` or `Content`.
        cut_off: Whether the stream ends inside a header that no stop token has ended, as if a limit
            had cut it off.
        completion: The index of the completion, if several were parsed in one call; else None.
    """

    def __init__(
        self,
        message: str,
        *,
        token: int | None,
        offset: int,
        state: str,
        cut_off: bool = False,
        completion: int | None = None,
    ) -> None:
        super().__init__(message)
        self.token = token
        self.offset = offset
        self.state = state
        self.cut_off = cut_off
        self.completion = completion

    def of_completion(self, index: int) -> "ParseError":
        """Returns the same error for one of many completions, named in the message too."""
        return ParseError(
            f"completions[{index}]: {self}",
            token=self.token,
            offset=self.offset,
            state=self.state,
            cut_off=self.cut_off,
            completion=index,
        )


class PrefillError(HarmonyError):
    """A prefill that is malformed output.

    Args:
        error: The error of its parse.
        offset: See below.

    Attributes:
        token: The token id that does not fit.
        offset: The offset of that token in the prefill.
        state: The parser's state before that token: `ExpectStart` or `Header`.
    """

    def __init__(self, error: ParseError, *, offset: int) -> None:
        super().__init__(f"malformed prefill: {error}")
        self.token = error.token
        self.offset = offset
        self.state = error.state


class RenderError(HarmonyError):
    """A message that cannot be rendered.

    Attributes:
        field: The path of the field at fault, such as `messages[2].content[0]`.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field

    def inside(self, parent: str) -> "RenderError":
        """Returns the same error, with the path of the parent before its field."""
        return RenderError(str(self), field=f"{parent}.{self.field}" if self.field else parent)


class SpecialTokenError(HarmonyError):
    """A text that contains a disallowed special token.

    Attributes:
        spelling: The special token as spelled in the text.
    """

    def __init__(self, spelling: str) -> None:
        super().__init__(
            f"Encountered text corresponding to disallowed special token {spelling!r}. To encode "
            "it as the special token, pass it to `allowed_special`; to encode it as text, leave it "
            "out of `disallowed_special`, which `disallowed_special=()` does for all of them."
        )
        self.spelling = spelling


def raise_disallowed_special_token(token: str) -> NoReturn:
    """Raises the error that `encode` raises for a text with this disallowed special token.

    Raises:
        SpecialTokenError: Always.
    """
    raise SpecialTokenError(token)
