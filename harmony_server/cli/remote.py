"""The backend that works through a server, with the client."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import harmony_client
from harmony_client import InvalidArgument, RpcError, Unavailable

from .. import core
from ..contract import constraints, from_core, from_proto
from ..core.constraints import (
    ConstraintFormat,
    SamplingConstraint,
    SamplingConstraintOptions,
)
from ..core.events import Recovered, RecoveryReason, TokenRange
from ..operations.errors import RequestError
from .backend import ParsedOutput, Purpose
from .connection import Server
from .errors import InputError, json_path, prefill_error

_REASONS: Final = {
    harmony_client.RecoveryReason.Value(f"RECOVERY_REASON_{reason.name}"): reason
    for reason in RecoveryReason
}


class RemoteBackend:
    """See `Backend`. If the server cannot be reached, methods raise an InputError that names it.

    Raises:
        InputError: A file that the connection needs cannot be used.
    """

    def __init__(self, server: Server) -> None:
        self._address = server.address
        self._client = harmony_client.Client(
            server.address,
            # Somebody at a terminal would rather read that there is no server.
            wait_for_ready=False,
            credentials=server.credentials(),
            metadata=server.metadata(),
            options=server.channel_options(),
        )

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
        config: core.RenderConversationConfig,
    ) -> list[int]:
        """See `Backend`."""
        client = self._client
        messages = from_core.convert_conversation(conversation)
        drop = config.auto_drop_analysis
        rule = config.analysis and config.analysis.value
        with self._as_input_errors():
            match purpose:
                case Purpose.COMPLETION:
                    return client.render_conversation_for_completion(
                        messages, next_role.value, auto_drop_analysis=drop, analysis=rule
                    )
                case Purpose.TRAINING:
                    return client.render_conversation_for_training(
                        messages, auto_drop_analysis=drop, analysis=rule
                    )
                case Purpose.CONVERSATION:
                    return client.render_conversation(
                        messages, auto_drop_analysis=drop, analysis=rule
                    )

    def render_attributed(
        self,
        conversation: core.Conversation,
        purpose: Purpose,
        next_role: core.Role,
        config: core.RenderConversationConfig,
    ) -> core.Rendered:
        """See `Backend`."""
        with self._as_input_errors():
            rendered = self._client.render_attributed(
                from_core.convert_conversation(conversation),
                purpose.value,
                next_turn_role=next_role.value,
                auto_drop_analysis=config.auto_drop_analysis,
                analysis=config.analysis and config.analysis.value,
            )
        runs = rendered.runs
        try:
            parts = bytes(core.TokenPart(run.part) for run in runs)
        except ValueError:
            raise self._unknown_value("runs.parts") from None
        return core.Rendered(
            rendered.tokens,
            core.TokenRuns(
                array("I", [run.end - run.begin for run in runs]),
                array("I", [run.message for run in runs]),
                parts,
                array("I", [run.content for run in runs]),
            ),
        )

    def parse(
        self,
        tokens: Sequence[int],
        role: core.Role | None,
        options: core.ParseOptions,
        prefill: Sequence[int],
    ) -> ParsedOutput:
        """See `Backend`."""
        with self._as_input_errors():
            parsed = self._client.parse_messages(
                tokens,
                role and role.value,
                mode=options.mode,
                callable_names=options.callable_names,
                channels=options.channels,
                prefill=prefill,
            )
        try:
            messages = [
                from_proto.convert_message(message, f"messages[{index}]")
                for index, message in enumerate(parsed.messages)
            ]
        except RequestError as error:
            raise self._unknown_value(error.field or "messages") from None
        repairs = [
            self._to_repair(repair, f"recovered[{index}]")
            for index, repair in enumerate(parsed.recovered)
        ]
        return ParsedOutput(messages, repairs)

    def constrain(
        self,
        conversation: core.Conversation,
        constraint_format: ConstraintFormat,
        options: SamplingConstraintOptions,
    ) -> SamplingConstraint:
        """See `Backend`."""
        with self._as_input_errors():
            response = self._client.build_sampling_constraint(
                from_core.convert_conversation(conversation),
                constraints.write_format(constraint_format),
                options=constraints.write_options(options),
            )
        try:
            return constraints.read_response(response)
        except KeyError:
            raise self._unknown_value("notices") from None

    def encode(self, text: str) -> list[int]:
        """See `Backend`."""
        with self._as_input_errors():
            return self._client.encode(text, allowed_special="all")

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """See `Backend`."""
        with self._as_input_errors():
            return self._client.decode_bytes(tokens)

    def _to_repair(self, repair: harmony_client.Recovered, path: str) -> Recovered:
        if repair.reason not in _REASONS:
            raise self._unknown_value(f"{path}.reason")
        return Recovered(
            _REASONS[repair.reason],
            repair.text,
            TokenRange(repair.offsets.begin, repair.offsets.end),
            repair.raw_header,
            repair.message_index if repair.HasField("message_index") else None,
        )

    def _unknown_value(self, path: str) -> InputError:
        return InputError(
            f"the response has an unknown value in {path}; the server may be newer than this "
            "command",
            source=self._address,
        )

    @contextmanager
    def _as_input_errors(self) -> Iterator[None]:
        try:
            yield
        except InvalidArgument as error:
            if not error.field_violations:
                raise InputError(error.message) from None
            violation = error.field_violations[0]
            if violation.field.startswith("prefill"):
                raise prefill_error(violation.field, violation.description) from None
            # The file holds the conversation, not the request around it.
            field = violation.field.removeprefix("conversation.")
            raise InputError(violation.description, place=json_path(field)) from None
        except Unavailable as error:
            raise InputError(f"no server answers: {error.message}", source=self._address) from None
        except RpcError as error:
            raise InputError(str(error), source=self._address) from None
