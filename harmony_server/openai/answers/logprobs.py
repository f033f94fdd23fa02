"""Log probabilities: columns of a step, and the entries of content."""

import codecs
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...core import HarmonyEncoding
from ...core.tokenizer import is_token
from .errors import AnswerInputError

# As OpenAI's API says it of a token that is very unlikely; JSON has no infinity.
_VERY_UNLIKELY = -9999.0
# Of tokens whose message is not known to be content: the core holds back fewer.
_KEPT_RECORDS = 1024
_REPLACEMENT = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class LogprobColumns:
    """Log probabilities of a run of tokens, as columns.

    Attributes:
        logprobs: For each token its own.
        alternatives: For each token the number of its alternatives.
        alternative_tokens: The ids of all alternatives, most likely first.
        alternative_logprobs: Parallel to `alternative_tokens`.
    """

    logprobs: Sequence[float]
    alternatives: Sequence[int]
    alternative_tokens: Sequence[int]
    alternative_logprobs: Sequence[float]


class TokenLogprob(NamedTuple):
    """The log probability of a sampled token, and those of its alternatives, by token id."""

    token: int
    logprob: float
    alternatives: tuple[tuple[int, float], ...] = ()


def read_columns(columns: LogprobColumns, tokens: Sequence[int]) -> list[TokenLogprob]:
    """Returns an entry for each token.

    Raises:
        AnswerInputError: The columns do not fit together.
    """
    if len(columns.logprobs) != len(tokens):
        raise AnswerInputError("logprobs.logprobs", "must be as many as tokens")
    if len(columns.alternatives) != len(tokens):
        raise AnswerInputError("logprobs.alternatives", "must be as many as tokens")
    if len(columns.alternative_tokens) != len(columns.alternative_logprobs):
        message = "must be as many as alternative_tokens"
        raise AnswerInputError("logprobs.alternative_logprobs", message)
    if sum(columns.alternatives) != len(columns.alternative_tokens):
        message = "must be as many as alternatives say"
        raise AnswerInputError("logprobs.alternative_tokens", message)
    pairs = iter(zip(columns.alternative_tokens, columns.alternative_logprobs, strict=True))
    return [
        TokenLogprob(token, logprob, tuple(next(pairs) for _ in range(count)))
        for token, logprob, count in zip(
            tokens, columns.logprobs, columns.alternatives, strict=True
        )
    ]


class Spelling(NamedTuple):
    """A token as an answer writes it: its text, its bytes, and its log probability.

    `data` is None for an id outside the vocabulary.
    """

    text: str
    data: bytes | None
    logprob: float


@dataclass(frozen=True, slots=True)
class LogprobEntry:
    """An entry of an answer: a token of content, and its alternatives."""

    token: Spelling
    alternatives: tuple[Spelling, ...]

    def for_chat(self) -> dict[str, Any]:
        """Returns the entry of a chat completion; `bytes` is null outside the vocabulary."""
        return _with_null_bytes(self.token) | {
            "top_logprobs": [_with_null_bytes(spelling) for spelling in self.alternatives]
        }

    def for_event(self) -> dict[str, Any]:
        """Returns the entry of an event of a response, which has no bytes."""
        return _without_bytes(self.token) | {
            "top_logprobs": [_without_bytes(spelling) for spelling in self.alternatives]
        }

    def for_item(self) -> dict[str, Any]:
        """Returns the entry of an item of a response; `bytes` is empty outside the vocabulary."""
        return _with_bytes(self.token) | {
            "top_logprobs": [_with_bytes(spelling) for spelling in self.alternatives]
        }


def _without_bytes(spelling: Spelling) -> dict[str, Any]:
    return {"token": spelling.text, "logprob": spelling.logprob}


def _with_null_bytes(spelling: Spelling) -> dict[str, Any]:
    data = None if spelling.data is None else list(spelling.data)
    return _without_bytes(spelling) | {"bytes": data}


def _with_bytes(spelling: Spelling) -> dict[str, Any]:
    return _without_bytes(spelling) | {"bytes": list(spelling.data or b"")}


class LogprobAligner:
    """Finds the entries of the content that has been sent.

    It decodes the tokens of a message as the parser does, and so knows how many characters have to
    be sent before a token's last byte is.

    Args:
        encoding: Decodes the tokens.
        breaks: The tokens that are not text in content.
    """

    def __init__(self, encoding: HarmonyEncoding, breaks: frozenset[int]) -> None:
        self._encoding = encoding
        self._breaks = breaks
        # The offsets and log probabilities of tokens that no message is known for.
        self._records: deque[tuple[int, TokenLogprob]] = deque()
        self._aside: deque[tuple[int, TokenLogprob]] = deque()
        # Entries of the current message, with the number of characters that they wait for.
        self._waiting: deque[tuple[int, LogprobEntry]] = deque()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoded = 0
        self._sent = 0

    def note(self, offset: int, record: TokenLogprob) -> None:
        """Notes the token at an offset, which the parser reads next."""
        self._records.append((offset, record))

    def begin(self) -> None:
        """Begins a message of content."""
        self._waiting.clear()
        self._decoder.reset()
        self._decoded = self._sent = 0

    def take(self, begin: int, end: int, text: str) -> list[LogprobEntry]:
        """Returns the entries that more text of the message completes.

        Args:
            begin: The offset of the message's first token of content.
            end: The offset behind the last token that may be its content.
            text: The text that is sent.
        """
        self._sent += len(text)
        while self._decoded < self._sent and self._decode_next(begin, end):
            pass
        entries: list[LogprobEntry] = []
        while self._waiting and self._waiting[0][0] <= self._sent:
            entries.append(self._waiting.popleft()[1])
        return entries

    def take_rest(self, begin: int, end: int) -> list[LogprobEntry]:
        """Returns the other entries of a message whose whole text has been sent."""
        while self._decode_next(begin, end):
            pass
        entries = [entry for _, entry in self._waiting]
        self._waiting.clear()
        return entries

    def set_aside(self, begin: int, end: int) -> None:
        """Keeps the tokens of text outside messages, in case it is shown in the end."""
        self.forget(begin)
        while self._records and self._records[0][0] < end:
            self._aside.append(self._records.popleft())

    def take_back(self) -> None:
        """Makes the tokens that were set aside the next ones."""
        self._records, self._aside = self._aside, deque()

    def forget(self, offset: int) -> None:
        """Forgets the tokens before an offset."""
        while self._records and self._records[0][0] < offset:
            self._records.popleft()

    def forget_old(self) -> None:
        """Forgets tokens of a message without entries that the parser no longer holds back."""
        while len(self._records) > _KEPT_RECORDS:
            self._records.popleft()

    def _decode_next(self, begin: int, end: int) -> bool:
        """Decodes the next token of the message; returns whether there was one."""
        self.forget(begin)
        if not self._records or self._records[0][0] >= end:
            return False
        _, record = self._records.popleft()
        if record.token not in self._breaks:
            data = _bytes_of(self._encoding, record.token)
            self._decoded += len(self._decoder.decode(_REPLACEMENT if data is None else data))
            is_incomplete = bool(self._decoder.getstate()[0])
            self._waiting.append((self._decoded + is_incomplete, self._entry(record)))
        return True

    def _entry(self, record: TokenLogprob) -> LogprobEntry:
        return LogprobEntry(
            self._spell(record.token, record.logprob),
            tuple(self._spell(token, logprob) for token, logprob in record.alternatives),
        )

    def _spell(self, token: int, logprob: float) -> Spelling:
        data = _bytes_of(self._encoding, token)
        text = "\ufffd" if data is None else data.decode(errors="replace")
        return Spelling(text, data, logprob if math.isfinite(logprob) else _VERY_UNLIKELY)


def _bytes_of(encoding: HarmonyEncoding, token: int) -> bytes | None:
    return encoding.decode_bytes([token]) if is_token(token) else None
