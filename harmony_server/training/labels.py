"""Labels: for each token the token to predict, or -100."""

from array import array
from collections.abc import Sequence

from ..core import Message, Rendered, TokenPart
from ..core.tokenizer import END, RETURN
from .loss import loss_mask, trained_runs
from .policy import LossPolicy, TrainedTokens

IGNORED_LABEL = -100
"""The label of a token without loss, as PyTorch's cross entropy has it."""


def labels(
    messages: Sequence[Message],
    rendered: Rendered,
    policy: LossPolicy | None = None,
    *,
    history_returns: bool = True,
) -> "array[int]":
    """Returns the label of each token of a render, aligned with the tokens.

    Where the mask is 1, the label is the token. Behind an earlier answer the input is `<|end|>`,
    but the model sampled `<|return|>` there: labels can say so, masks cannot.

    Args:
        messages: The messages of the conversation as it was passed to the render.
        rendered: The render.
        policy: Which tokens carry loss; by default the sampled tokens of the last turn.
        history_returns: Whether the `<|end|>` of a trained answer has the label `<|return|>`; else
            it is ignored. With MESSAGE its label is `<|end|>` either way.

    Raises:
        ValueError: As `loss_mask`.
    """
    policy = policy or LossPolicy()
    mask = loss_mask(messages, rendered, policy)
    found = array(
        "i",
        [
            token if trained else IGNORED_LABEL
            for token, trained in zip(rendered.tokens, mask, strict=True)
        ],
    )
    if history_returns:
        whole = LossPolicy(
            policy.messages, TrainedTokens.MESSAGE, policy.channels, policy.calls, policy.chosen
        )
        for run in trained_runs(messages, rendered, whole):
            is_untrained_stop = run.part is TokenPart.STOP and not mask[run.begin]
            if is_untrained_stop and rendered.tokens[run.begin] == END:
                found[run.begin] = RETURN
    return found
