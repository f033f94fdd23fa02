"""The backend that works in this process, with the core."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .. import core
from ..core.constraints import (
    ConstraintFormat,
    SamplingConstraint,
    SamplingConstraintOptions,
    build_sampling_constraint,
)
from ..core.errors import ConstraintError
from ..core.events import MessageCompleted, Recovered
from ..operations.errors import parse_failed, prefill_failed
from .backend import ParsedOutput, Purpose
from .errors import InputError, json_path, prefill_error


class LocalBackend:
    """See `Backend`.

    Raises:
        InputError: The vocabulary cannot be loaded.
    """

    def __init__(self) -> None:
        with _as_input_errors():
            self._encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)

    def render(
        self,
        conversation: core.Conversation,
        purpose: Purpose,
        next_role: core.Role,
        config: core.RenderConversationConfig,
    ) -> list[int]:
        """See `Backend`."""
        encoding = self._encoding
        with _as_input_errors():
            match purpose:
                case Purpose.COMPLETION:
                    return encoding.render_conversation_for_completion(
                        conversation, next_role, config
                    )
                case Purpose.TRAINING:
                    return encoding.render_conversation_for_training(conversation, config)
                case Purpose.CONVERSATION:
                    return encoding.render_conversation(conversation, config)

    def render_attributed(
        self,
        conversation: core.Conversation,
        purpose: Purpose,
        next_role: core.Role,
        config: core.RenderConversationConfig,
    ) -> core.Rendered:
        """See `Backend`."""
        with _as_input_errors():
            return self._encoding.render_conversation_attributed(
                conversation,
                config,
                next_turn_role=next_role if purpose is Purpose.COMPLETION else None,
                for_training=purpose is Purpose.TRAINING,
            )

    def parse(
        self,
        tokens: Sequence[int],
        role: core.Role | None,
        options: core.ParseOptions,
        prefill: Sequence[int],
    ) -> ParsedOutput:
        """See `Backend`."""
        with _as_input_errors():
            events = self._encoding.parse_events(tokens, role, options, prefill)
        return ParsedOutput(
            [event.to_message() for event in events if isinstance(event, MessageCompleted)],
            [event for event in events if isinstance(event, Recovered)],
        )

    def constrain(
        self,
        conversation: core.Conversation,
        constraint_format: ConstraintFormat,
        options: SamplingConstraintOptions,
    ) -> SamplingConstraint:
        """See `Backend`."""
        with _as_input_errors():
            return build_sampling_constraint(
                conversation, constraint_format, options, encoding=self._encoding
            )

    def encode(self, text: str) -> list[int]:
        """See `Backend`."""
        return self._encoding.encode(text, allowed_special="all")

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """See `Backend`."""
        return self._encoding.decode_bytes(tokens)


@contextmanager
def _as_input_errors() -> Iterator[None]:
    try:
        yield
    except core.RenderError as error:
        raise InputError(str(error), place=json_path(error.field)) from None
    except core.PrefillError as error:
        failure = prefill_failed(error, "prefill")
        raise prefill_error(failure.field or "", failure.message) from None
    except ConstraintError as error:
        # The file holds the conversation, not the request around it.
        place = error.field.removeprefix("conversation.")
        raise InputError(str(error), place=json_path(place)) from None
    except core.ParseError as error:
        raise InputError(parse_failed(error).message) from None
    except (core.HarmonyError, ValueError) as error:
        raise InputError(str(error)) from None
