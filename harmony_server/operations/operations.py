"""Everything a server does with an encoding; transports share its cache, limits and counters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from .. import bounds, core
from ..core.continuation import plan_continuation
from ..core.errors import SpecialTokenError
from ..core.events import Event, MessageCompleted, Recovered, TokenRange
from ..core.tokenizer import MAX_TOKEN_BYTES, is_token
from .abandonment import unless_abandoned
from .constraining import ConstraintBuilder
from .counters import Counters
from .errors import Reason, RequestError, invalid_field, parse_failed, prefill_failed
from .limits import Limits
from .offloading import cost_of_tokens
from .rendering import (
    Attribution,
    RecalledConversation,
    RenderedConversation,
    Renderer,
    TokenPacking,
)


class PackedContinuation(NamedTuple):
    """What follows sampled tokens, as in `core.Continuation`.

    Attributes:
        kept: How many of the sampled tokens stay.
        closed: Whether the first of the new tokens is an `<|end|>` that closes the sampled message.
        cuts: The ranges of the sampled tokens to leave out.
        rendered: The new tokens; the runs are those of the tokens behind that `<|end|>`.
    """

    kept: int
    closed: bool
    cuts: list[TokenRange]
    rendered: RenderedConversation


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
        constraints: Builds sampling constraints.
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
        encoding.prepare_parsing()
        self.counters = Counters()
        self.renderer = Renderer(
            encoding, limits, self.counters, packing, cache_bytes=render_cache_bytes
        )
        self.constraints = ConstraintBuilder(encoding, limits)

    def check_parsed(self, tokens: Sequence[int], field: str) -> int:
        """Checks the number of tokens in a request that parses or decodes.

        Returns:
            The most that the work can cost, as `offloading.PreparedWork.size`.

        Raises:
            RequestError: LIMIT_EXCEEDED, there are too many.
        """
        self.limits.check_tokens(len(tokens), field)
        if len(tokens) <= bounds.MAX_UNCOUNTED_TOKENS:
            return len(tokens)
        text_bytes = min(len(tokens) * MAX_TOKEN_BYTES, self.limits.text_bytes)
        return cost_of_tokens(len(tokens), text_bytes)

    def continue_sampled(
        self,
        sampled: Sequence[int],
        conversation: RecalledConversation,
        next_turn_role: core.Role,
        *,
        role: core.Role | None,
        with_function_tools: bool,
        attribution: Attribution | None,
        drop_analysis: bool,
        keep_return: bool,
    ) -> PackedContinuation:
        """Renders what follows sampled tokens.

        Takes the arguments of `core.HarmonyEncoding.continue_sampled`, and those of
        `Renderer.render_conversation` for the new messages.

        Raises:
            RequestError: LIMIT_EXCEEDED, there are too many tokens; INVALID_FIELD, the sampled
                tokens cannot be continued, or a message cannot be rendered.
            AbandonedError: The caller has gone.
        """
        self.limits.check_tokens(len(sampled), "sampled")
        messages = conversation.messages
        try:
            end, cuts = plan_continuation(
                sampled,
                map(messages.read, range(len(messages.keys))),
                role,
                keep_return=keep_return,
                parse=self._parse_strictly if drop_analysis else None,
            )
        except core.RenderError as error:
            raise invalid_field(error.field, str(error)) from None
        rendered = self.renderer.render_conversation(
            conversation,
            core.RenderConversationConfig(analysis=core.AnalysisRule.KEEP),
            next_turn_role=next_turn_role,
            with_function_tools=with_function_tools,
            attribution=attribution,
        )
        if end.is_open:
            rendered = rendered._replace(packed=self.renderer.packed_end + rendered.packed)
        return PackedContinuation(end.kept, end.is_open, cuts, rendered)

    def _parse_strictly(self, tokens: Sequence[int]) -> Iterator[Event]:
        parts = self.encoding.parse_in_parts(tokens, None, core.ParseOptions())
        for events in unless_abandoned(parts):
            yield from events

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
            RequestError: LIMIT_EXCEEDED, there are too many tokens or too much text; INVALID_FIELD,
                the prefill is malformed; PARSE_FAILED, the output is.
            AbandonedError: The caller has gone.
        """
        self.check_parsed(tokens, "tokens")
        self.limits.check_tokens(len(prefill), "prefill")
        self.counters.count_parsed(len(tokens))
        size = 0

        def watch(characters: int) -> None:
            self.limits.check_text(size + characters, "tokens")

        parts = self.encoding.parse_in_parts(tokens, role, options, prefill, watch=watch)
        try:
            for events in unless_abandoned(parts):
                for event in events:
                    if isinstance(event, MessageCompleted):
                        size += len(event.text)
                    elif isinstance(event, Recovered):
                        self.counters.count_repair(event)
                watch(0)
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
            RequestError: LIMIT_EXCEEDED, there are too many tokens or too much text; INVALID_TOKEN,
                one of them is not in the vocabulary.
            AbandonedError: The caller has gone.
        """
        self.check_parsed(tokens, "tokens")
        size = bounds.MAX_DECODED_TOKENS_AT_ONCE
        begins = unless_abandoned(range(0, len(tokens), size))
        parts: list[bytes] = []
        decoded = 0
        for begin in begins:
            parts.append(self._decode_part(tokens[begin : begin + size], begin))
            decoded += len(parts[-1])
            self.limits.check_text(decoded, "tokens")
        return b"".join(parts)

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
