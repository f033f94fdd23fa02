"""The work done by a server, through the client."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import harmony_client
from harmony_client import InvalidArgument, RpcError, Unavailable

from .. import core, from_proto
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
        messages = [_message(message) for message in conversation.messages]
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
                from_proto.message(message, f"messages[{index}]")
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


def _message(message: core.Message) -> harmony_client.Message:
    author = message.author
    return harmony_client.Message(
        author=harmony_client.Author(role=f"ROLE_{author.role.name}", name=author.name),
        recipient=message.recipient,
        content=[_content(content) for content in message.content],
        channel=message.channel,
        content_type=message.content_type,
    )


def _content(content: core.Content) -> harmony_client.Content:
    match content:
        case core.TextContent():
            return harmony_client.Content(text=harmony_client.TextContent(text=content.text))
        case core.SystemContent():
            return harmony_client.Content(system=_system_content(content))
        case core.DeveloperContent():
            developer = harmony_client.DeveloperContent(
                instructions=content.instructions, tools=_namespaces(content.tools)
            )
            return harmony_client.Content(developer=developer)
    raise NotImplementedError(f"{type(content).__name__} cannot be sent")


def _system_content(content: core.SystemContent) -> harmony_client.SystemContent:
    """Returns the content with its defaults spelled out, so that None means left out."""
    effort, channels = content.reasoning_effort, content.channel_config
    return harmony_client.SystemContent(
        model_identity=content.model_identity,
        reasoning_effort=None if effort is None else f"REASONING_EFFORT_{effort.name}",
        conversation_start_date=content.conversation_start_date,
        knowledge_cutoff=content.knowledge_cutoff,
        channel_config=None
        if channels is None
        else harmony_client.ChannelConfig(
            valid_channels=channels.valid_channels, channel_required=channels.channel_required
        ),
        tools=_namespaces(content.tools),
        no_defaults=True,
    )


def _namespaces(
    tools: Mapping[str, core.ToolNamespaceConfig] | None,
) -> list[harmony_client.ToolNamespaceConfig]:
    return [
        harmony_client.ToolNamespaceConfig(
            key=key,
            name=namespace.name,
            description=namespace.description,
            tools=[_tool(tool) for tool in namespace.tools],
        )
        for key, namespace in (tools or {}).items()
    ]


def _tool(tool: core.ToolDescription) -> harmony_client.ToolDescription:
    parameters = tool.parameters
    return harmony_client.ToolDescription(
        name=tool.name,
        description=tool.description,
        parameters_json=None if parameters is None else json.dumps(parameters),
    )
