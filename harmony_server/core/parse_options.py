"""The options of a parse."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from .bounds import DEFAULT_MAX_HEADER_TOKENS

ParseMode = Literal["strict", "lenient", "recover"]
_STRICT_BY_MODE: dict[ParseMode, bool] = {"strict": True, "lenient": False, "recover": False}


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """How to treat malformed output; docs/recovery.md compares the modes.

    Attributes:
        strict: Whether all malformed output is an error. If False, a stop token may end a header;
            text after the channel then becomes the message's text. None, the default, becomes True,
            or False if `recover` is set.
        recover: Repair malformed output: no token sequence is an error and no text is lost.
        max_header_tokens: The largest number of tokens in one header. A longer header is an error;
            with `recover` it ends there.
        callable_names: Names of what the model can call, such as `functions.get_weather`. They help
            `recover` to find out whom a call is for; the other modes ignore them.
        channels: Channels that `recover` knows besides analysis, commentary and final; the other
            modes ignore them.
        delta_offsets: Give each delta the range of the tokens that its text comes from.

    Raises:
        ValueError: Both `strict` and `recover` are True.
        TypeError: `strict` is not a bool, or `callable_names` or `channels` is a string or holds
            something else than strings.
    """

    strict: bool | None = None
    recover: bool = False
    max_header_tokens: int = DEFAULT_MAX_HEADER_TOKENS
    callable_names: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    delta_offsets: bool = False

    def __post_init__(self) -> None:
        for field in ("callable_names", "channels"):
            object.__setattr__(self, field, _to_names(field, getattr(self, field)))
        if not isinstance(self.strict, bool | None):
            raise TypeError(f"strict must be a bool, not {type(self.strict).__name__}")
        if self.strict and self.recover:
            raise ValueError("strict and recover cannot both be True")
        if self.strict is None:
            object.__setattr__(self, "strict", not self.recover)

    @classmethod
    def for_mode(
        cls,
        mode: ParseMode,
        *,
        max_header_tokens: int = DEFAULT_MAX_HEADER_TOKENS,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
    ) -> Self:
        """Returns the options that select a mode; the other arguments are the attributes.

        Raises:
            ValueError: An unknown mode.
            TypeError: `callable_names` or `channels` is a string or holds something else than
                strings.
        """
        if mode not in _STRICT_BY_MODE:
            raise ValueError(f"mode must be strict, lenient or recover, not {mode!r}")
        return cls(
            _STRICT_BY_MODE[mode],
            mode == "recover",
            max_header_tokens,
            _to_names("callable_names", callable_names),
            _to_names("channels", channels),
        )

    @property
    def mode(self) -> ParseMode:
        """The mode that `strict` and `recover` select."""
        if self.recover:
            return "recover"
        return "strict" if self.strict else "lenient"


def _to_names(field: str, names: Iterable[str]) -> tuple[str, ...]:
    # A string is an iterable too: it would become one name for each character.
    kept = () if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in kept):
        raise TypeError(f"{field} must be an iterable of strings")
    return kept
