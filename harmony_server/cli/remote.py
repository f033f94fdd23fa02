"""The work done by a server, through the client."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import harmony_client
from harmony_client import InvalidArgument, RpcError, Unavailable

from .. import core
from ..contract import from_core, from_proto
from .backend import Malformed, ParsedOutput, Purpose, Repair
from .errors import InputError, json_path

_MODES: Final[dict[Malformed, harmony_client.ParseMode]] = {
    Malformed.REFUSED: "strict",
    Malformed.SALVAGED: "lenient",
    Malformed.RECOVERED: "recover",
}


class RemoteBackend:
    """See `Backend`. A server that cannot be reached is an InputError of the address."""

    def __init__(self, target: str) -> None:
        self._target = target
        # Somebody waits at the terminal: no server there is an answer too.
        self._client = harmony_client.Client(target, wait_for_ready=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def render(
        self,
        conversation: core.Conversation,
        purpose: Purpose,
        next_role: core.Role,
        auto_drop_analysis: bool,
    ) -> list[int]:
        """See `Backend`."""
        client = self._client
        messages = from_core.convert_conversation(conversation)
        with self._as_input_errors():
            match purpose:
                case Purpose.COMPLETION:
                    return client.render_conversation_for_completion(
                        messages, next_role.value, auto_drop_analysis=auto_drop_analysis
                    )
                case Purpose.TRAINING:
                    return client.render_conversation_for_training(
                        messages, auto_drop_analysis=auto_drop_analysis
                    )
                case Purpose.CONVERSATION:
                    return client.render_conversation(
                        messages, auto_drop_analysis=auto_drop_analysis
                    )

    def parse(
        self, tokens: Sequence[int], role: core.Role | None, malformed: Malformed
    ) -> ParsedOutput:
        """See `Backend`."""
        with self._as_input_errors():
            parsed = self._client.parse_messages(
                tokens,
                role and role.value,
                mode=_MODES[malformed],
            )
        return ParsedOutput(
            [
                from_proto.convert_message(message, f"messages[{index}]")
                for index, message in enumerate(parsed.messages)
            ],
            [
                Repair(
                    harmony_client.RecoveryReason.Name(repair.reason)
                    .removeprefix("RECOVERY_REASON_")
                    .lower(),
                    repair.offsets.begin,
                    repair.offsets.end,
                    repair.text,
                )
                for repair in parsed.recovered
            ],
        )

    def encode(self, text: str) -> list[int]:
        """See `Backend`."""
        with self._as_input_errors():
            return self._client.encode(text, allowed_special="all")

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """See `Backend`."""
        with self._as_input_errors():
            return self._client.decode_bytes(tokens)

    @contextmanager
    def _as_input_errors(self) -> Iterator[None]:
        try:
            yield
        except InvalidArgument as error:
            if not error.field_violations:
                raise InputError(error.message) from None
            violation = error.field_violations[0]
            # The file holds the conversation, not the request around it.
            field = violation.field.removeprefix("conversation.")
            raise InputError(violation.description, place=json_path(field)) from None
        except Unavailable as error:
            raise InputError(f"no server answers: {error.message}", source=self._target) from None
        except RpcError as error:
            raise InputError(str(error), source=self._target) from None
