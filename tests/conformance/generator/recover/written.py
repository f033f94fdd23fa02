"""A completion in pieces, with expectations written by hand in terms of the pieces.

The reference has no recover mode, so docs/recovery.md and the protos' comments specify the repairs.
Ranges count pieces; this module converts them to token offsets.
"""

from collections.abc import Iterable

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse
from harmony_client.v1 import service_pb2 as pb

from ..calls import Calls
from ..contract import message, token_range
from ..vector import Vector

RECOVER = parse.ParseConfig(role=chat.ROLE_ASSISTANT, options=parse.ParseOptions(recover=True))
RECOVER_NO_ROLE = parse.ParseConfig(options=parse.ParseOptions(recover=True))
JSON = "<|constrain|>json"
Piece = str | list[int]
Reasons = Iterable[parse.RecoveryReason]


class Written:
    """A completion in pieces: token ids, or text with special tokens spelled out.

    Args:
        calls: Makes tokens.
        pieces: The pieces.
        prefilled: How many of the first pieces are the prefill.
    """

    def __init__(self, calls: Calls, *pieces: Piece, prefilled: int = 0) -> None:
        self.prefilled = prefilled
        stops = ("<|end|>", "<|return|>", "<|call|>")
        self._stops = {spelling: calls.tokens(spelling)[0] for spelling in stops}
        self._runs = [calls.tokens(piece) if isinstance(piece, str) else piece for piece in pieces]

    def tokens(self, begin: int = 0, end: int | None = None) -> list[int]:
        """Returns the tokens of a range of pieces, by default of all."""
        return [token for run in self._runs[begin:end] for token in run]

    def message(
        self,
        text: str,
        header: tuple[int, int],
        content: tuple[int, int],
        stop: str | None,
        *,
        role: chat.Role = chat.ROLE_ASSISTANT,
        name: str | None = None,
        channel: str | None = None,
        recipient: str | None = None,
        content_type: str | None = None,
        repairs: Reasons = (),
    ) -> parse.MessageCompleted:
        """Returns a message, given its ranges of pieces and the spelling of its stop token."""
        return parse.MessageCompleted(
            message=message(
                role,
                text,
                name=name,
                channel=channel,
                recipient=recipient,
                content_type=content_type,
            ),
            stop_token=self._stops[stop] if stop else None,
            offsets=parse.MessageOffsets(header=self._range(header), content=self._range(content)),
            repairs=repairs,
        )

    def repair(
        self,
        reason: parse.RecoveryReason,
        pieces: tuple[int, int],
        text: str = "",
        *,
        header: str = "",
        message_index: int | None = None,
    ) -> parse.Recovered:
        """Returns a repair, given its range of pieces."""
        return parse.Recovered(
            reason=reason,
            text=text,
            offsets=self._range(pieces),
            raw_header=header,
            message_index=message_index,
        )

    def _range(self, pieces: tuple[int, int]) -> parse.TokenRange:
        begin, end = (len(self.tokens(self.prefilled, count)) for count in pieces)
        return token_range(begin, end)


def after_thought(calls: Calls, *pieces: Piece) -> tuple[Written, parse.MessageCompleted]:
    """Returns pieces that follow those of a finished message, 0 to 3, and that message."""
    thought = ("<|channel|>analysis", "<|message|>", "think", "<|end|>")
    written = Written(calls, *thought, *pieces)
    return written, written.message("think", (0, 1), (2, 3), "<|end|>", channel="analysis")


def parse_messages_vector(
    name: str,
    written: Written,
    messages: Iterable[parse.MessageCompleted],
    repairs: Iterable[parse.Recovered] = (),
    config: parse.ParseConfig = RECOVER,
) -> Vector:
    """Returns the vector that parses a whole completion."""
    request = pb.ParseMessagesRequest(
        tokens=written.tokens(written.prefilled),
        options=config.options,
        prefill=written.tokens(0, written.prefilled),
    )
    if config.HasField("role"):
        request.role = config.role
    response = pb.ParseMessagesResponse(recovered=repairs)
    for completed in messages:
        response.messages.append(completed.message)
        stop_token = completed.stop_token if completed.HasField("stop_token") else None
        response.outcomes.add(
            offsets=completed.offsets, stop_token=stop_token, repairs=completed.repairs
        )
    return Vector(f"parse_messages/recover/{name}", [request], [response])
