"""Turns segments and streams into token ids."""

from collections.abc import Iterable, Sequence
from typing import Protocol, assert_never

from tests.strategies.segments import Bytes, Fragment, Segment, Special, Text, Token
from tests.strategies.streams import Mutation, Stream


class Encoding(Protocol):
    """The part of an encoding that a vocabulary needs."""

    def encode(
        self, text: str, *, allowed_special: set[str], disallowed_special: tuple[()]
    ) -> list[int]:
        """Returns the tokens of a text."""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Vocabulary:
    """Converts segments to token ids."""

    def __init__(self, token_bytes: Sequence[bytes], encoding: Encoding) -> None:
        self._encoding = encoding
        self._byte_tokens = {
            data[0]: token for token, data in enumerate(token_bytes) if len(data) == 1
        }
        self._fragments = [
            token for token, data in enumerate(token_bytes) if len(data) > 1 and not _is_utf8(data)
        ]

    def tokens(self, segments: Iterable[Segment]) -> list[int]:
        """Returns the tokens of segments, in order."""
        return [token for segment in segments for token in self._segment_tokens(segment)]

    def stream_tokens(self, stream: Stream) -> list[int]:
        """Returns the tokens of a stream after its mutations."""
        tokens = self.tokens(stream.segments)
        for mutation in stream.mutations:
            self._mutate(tokens, mutation)
        return tokens

    def _segment_tokens(self, segment: Segment) -> list[int]:
        match segment:
            case Text(text):
                return self._encoding.encode(text, allowed_special=set(), disallowed_special=())
            case Special(name):
                spelling = f"<|{name}|>"
                return self._encoding.encode(
                    spelling, allowed_special={spelling}, disallowed_special=()
                )
            case Bytes(data):
                return [self._byte_tokens[byte] for byte in data]
            case Fragment(index):
                return [self._fragments[index % len(self._fragments)]]
            case Token(token):
                return [token]
            case _:
                assert_never(segment)

    def _mutate(self, tokens: list[int], mutation: Mutation) -> None:
        if not tokens:
            return
        position = mutation.position % len(tokens)
        if mutation.kind == "delete":
            del tokens[position]
        elif mutation.kind == "truncate":
            del tokens[position:]
        elif mutation.kind == "swap":
            other = (position + 1) % len(tokens)
            tokens[position], tokens[other] = tokens[other], tokens[position]
        elif mutation.segment is not None:
            tokens[position:position] = self._segment_tokens(mutation.segment)
