"""Everything a server does with an encoding; transports share its cache, limits and counters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from .. import bounds, core
from ..core.errors import SpecialTokenError
from ..core.events import Event, Recovered
from ..core.tokenizer import is_token
from .abandonment import unless_abandoned
from .counters import Counters
from .errors import Reason, RequestError, parse_failed, prefill_failed
from .limits import Limits
from .rendering import Renderer, TokenPacking


class Operations:
    """Renders, parses, encodes and decodes within limits, and counts the results. Thread-safe.

    Args:
        encoding: The encoding.
        limits: The limits of each request.
        packing: How rendered tokens are packed into bytes.
        render_cache_bytes: The maximum size of the render cache; 0 disables it.

    Attributes:
        encoding: The encoding.
        limits: The limits of each request.
        counters: Counts what has been done.
        renderer: Renders messages and conversations.
    """

    def __init__(
        self,
        encoding: core.HarmonyEncoding,
        limits: Limits,
        packing: TokenPacking,
        *,
        render_cache_bytes: int,
    ) -> None:
        self.encoding = encoding
        self.limits = limits
        self.counters = Counters()
        self.renderer = Renderer(
            encoding, limits, self.counters, packing, cache_bytes=render_cache_bytes
        )

    def parse(
        self,
        tokens: Sequence[int],
        role: core.Role | None,
        options: core.ParseOptions,
        prefill: Sequence[int] = (),
    ) -> Iterator[list[Event]]:
        """Parses a whole completion and yields its events, in several lists.

        Args:
            tokens: The completion, without the prompt.
            role: The author of the first message, if the prompt ends with a header's start.
            options: The mode and the limit on headers.
            prefill: The last tokens of the prompt, which the completion continues.

        Raises:
            RequestError: LIMIT_EXCEEDED, there are too many tokens; INVALID_FIELD, the prefill is
                malformed; PARSE_FAILED, the output is.
            AbandonedError: The caller has gone.
        """
        self.limits.check_tokens(len(tokens), "tokens")
        self.limits.check_tokens(len(prefill), "prefill")
        self.counters.count_parsed(len(tokens))
        parts = self.encoding.parse_in_parts(tokens, role, options, prefill)
        try:
            for events in unless_abandoned(parts):
                for event in events:
                    if isinstance(event, Recovered):
                        self.counters.count_repair(event)
                yield events
        except core.PrefillError as error:
            raise prefill_failed(error, "prefill") from None
        except core.ParseError as error:
            raise parse_failed(error) from None

    def encode(
        self,
        text: str,
        allowed_special: Literal["all"] | frozenset[str],
        disallowed_special: Literal["all"] | Collection[str],
    ) -> Iterator[list[int]]:
        """Encodes text and yields its tokens, in several lists.

        Takes the arguments of `core.HarmonyEncoding.encode`.

        Raises:
            RequestError: DISALLOWED_SPECIAL_TOKEN, the text contains such a token.
            AbandonedError: The caller has gone.
        """
        try:
            yield from unless_abandoned(
                self.encoding.encode_in_parts(
                    text, allowed_special=allowed_special, disallowed_special=disallowed_special
                )
            )
        except SpecialTokenError as error:
            raise RequestError(
                Reason.DISALLOWED_SPECIAL_TOKEN,
                f"holds the disallowed special token {error.spelling}",
                field="text",
                metadata={"special_token": error.spelling},
            ) from None

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens into bytes.

        Raises:
            RequestError: LIMIT_EXCEEDED, there are too many tokens; INVALID_TOKEN, one of them is
                not in the vocabulary.
            AbandonedError: The caller has gone.
        """
        self.limits.check_tokens(len(tokens), "tokens")
        size = bounds.MAX_DECODED_TOKENS_AT_ONCE
        begins = unless_abandoned(range(0, len(tokens), size))
        return b"".join(self._decode_part(tokens[begin : begin + size], begin) for begin in begins)

    def _decode_part(self, tokens: Sequence[int], begin: int) -> bytes:
        """Decodes the tokens that begin at `tokens[begin]` of the request."""
        for index, token in enumerate(tokens, begin):
            if not is_token(token):
                raise RequestError(
                    Reason.INVALID_TOKEN,
                    f"{token} is not in the vocabulary",
                    field=f"tokens[{index}]",
                    metadata={"token": str(token)},
                )
        return self.encoding.decode_bytes(tokens)

    def decode(self, tokens: Sequence[int], *, strict: bool) -> str:
        """Decodes tokens into text.

        Args:
            tokens: Token ids.
            strict: Whether invalid UTF-8 is an error; otherwise it becomes U+FFFD.

        Raises:
            RequestError: As `decode_bytes`; INVALID_UTF8, the bytes are not UTF-8 and `strict` is
                set.
        """
        data = self.decode_bytes(tokens)
        try:
            return data.decode(errors="strict" if strict else "replace")
        except UnicodeDecodeError as error:
            raise RequestError(
                Reason.INVALID_UTF8,
                f"decode to bytes that are not UTF-8 at byte {error.start}",
                field="tokens",
                metadata={"byte": str(error.start)},
            ) from None
