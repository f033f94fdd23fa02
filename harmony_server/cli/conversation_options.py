"""The options that say how a command renders a conversation."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .backend import Purpose
from .roles import ROLES

if TYPE_CHECKING:
    from ..core import RenderConversationConfig, Role

_Command = Callable[..., Any]

_OPTIONS = (
    click.option(
        "--for",
        "purpose",
        type=click.Choice([purpose.value for purpose in Purpose]),
        help="completion: a prompt to sample from. training: an example to train on. "
        f"conversation: the messages alone.  [default: {Purpose.COMPLETION.value}]",
    ),
    click.option(
        "--next-role",
        type=click.Choice(ROLES),
        help="The role whose turn is next, with --for completion.  [default: assistant]",
    ),
    click.option(
        "--keep-analysis",
        is_flag=True,
        help="Keep the analysis before the first answer, even if the last message is an answer.",
    ),
    click.option(
        "--analysis",
        type=click.Choice(["keep", "current-turn", "none"]),
        help="Keep all analysis, that of the current turn, or none.  [default: leave out that "
        "before the first answer, if the last message is an answer]",
    ),
)


class ConversationOptions(NamedTuple):
    """The options as they were given; None or False where one was not."""

    purpose: str | None
    next_role: str | None
    keep_analysis: bool
    analysis: str | None

    def for_backend(self) -> tuple[Purpose, "Role", "RenderConversationConfig"]:
        """Returns the arguments that `Backend.render` takes behind the conversation."""
        from ..core import AnalysisRule, RenderConversationConfig, Role

        if self.analysis is None:
            config = RenderConversationConfig(auto_drop_analysis=not self.keep_analysis)
        else:
            config = RenderConversationConfig(
                analysis=AnalysisRule(self.analysis.replace("-", "_"))
            )
        purpose = Purpose(self.purpose or Purpose.COMPLETION.value)
        return purpose, Role(self.next_role or "assistant"), config


def conversation_options(command: _Command) -> _Command:
    """Gives a command `--for`, `--next-role`, `--keep-analysis` and `--analysis`.

    The command gets them as `options`, in which they do not exclude each other.
    """

    @functools.wraps(command)
    def with_options(
        *arguments: Any,
        purpose: str | None,
        next_role: str | None,
        keep_analysis: bool,
        analysis: str | None,
        **values: Any,
    ) -> Any:
        if next_role is not None and purpose not in (None, Purpose.COMPLETION.value):
            raise click.UsageError(f"--next-role has no meaning with --for {purpose}.")
        if keep_analysis and analysis is not None:
            raise click.UsageError("--keep-analysis and --analysis exclude each other.")
        options = ConversationOptions(purpose, next_role, keep_analysis, analysis)
        return command(*arguments, options=options, **values)

    for option in reversed(_OPTIONS):
        option(with_options)
    return with_options
