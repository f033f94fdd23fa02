"""A completion in pieces, with an expectation written by hand in terms of them.

The reference does not recover, so nobody but the documents says what becomes of malformed output:
docs/recovery.md and the protos' comments. Places are those of pieces; the tokens are counted here.
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
    """The tokens of pieces: texts in which special tokens are spelled out, or token ids."""

    def __init__(self, calls: Calls, *pieces: Piece) -> None:
        self._stops = {it: calls.tokens(it)[0] for it in ("<|end|>", "<|return|>", "<|call|>")}
        self._runs = [calls.tokens(it) if isinstance(it, str) else it for it in pieces]

    def tokens(self, begin: int = 0, end: int | None = None) -> list[int]:
        """Returns the tokens of pieces, by default of all."""
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
        """Returns a message that stands in these pieces, `stop` the spelling of its stop token."""
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
        place: tuple[int, int],
        text: str = "",
        *,
        header: str = "",
        message_index: int | None = None,
    ) -> parse.Recovered:
        """Returns a repair in these pieces."""
        return parse.Recovered(
            reason=reason,
            text=text,
            offsets=self._range(place),
            raw_header=header,
            message_index=message_index,
        )

    def _range(self, place: tuple[int, int]) -> parse.TokenRange:
        begin, end = (len(self.tokens(0, it)) for it in place)
        return token_range(begin, end)


def behind_thought(calls: Calls, *pieces: Piece) -> tuple[Written, parse.MessageCompleted]:
    """Returns the pieces behind those of a finished message, 0 to 3, and that message."""
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
    """Returns the vector of a whole completion."""
    request = pb.ParseMessagesRequest(tokens=written.tokens(), options=config.options)
    if config.HasField("role"):
        request.role = config.role
    response = pb.ParseMessagesResponse(recovered=repairs)
    for it in messages:
        response.messages.append(it.message)
        stop_token = it.stop_token if it.HasField("stop_token") else None
        response.outcomes.add(offsets=it.offsets, stop_token=stop_token, repairs=it.repairs)
    return Vector(f"parse_messages/recover/{name}", [request], [response])
