"""Loss masks: a 0 or a 1 for each token."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from ..core import Message, Rendered, Role, TokenPart, TokenRun
from ..core.tokenizer import END
from .policy import LossPolicy, TrainedMessages, TrainedTokens
from .samples import SampleEnd, samples

_PROMPT_PARTS = frozenset({TokenPart.START, TokenPart.AUTHOR})


def loss_mask(
    messages: Sequence[Message], rendered: Rendered, policy: LossPolicy | None = None
) -> bytes:
    """Returns a byte for each token of a render: 1 if the token carries loss, else 0.

    A mask is aligned with the tokens: a 1 says that the model is to predict this token from those
    before it. The first token is never predicted.

    Args:
        messages: The messages of the conversation as it was passed to the render.
        rendered: The render.
        policy: Which tokens carry loss; by default the sampled tokens of the last turn.

    Raises:
        ValueError: A chosen index is out of range, or not that of an assistant message.
    """
    policy = policy or LossPolicy()
    mask = bytearray(len(rendered.tokens))
    for run in trained_runs(messages, rendered, policy):
        mask[run.begin : run.end] = b"\1" * (run.end - run.begin)
    if mask:
        mask[0] = 0
    return bytes(mask)


def trained_runs(
    messages: Sequence[Message], rendered: Rendered, policy: LossPolicy
) -> Iterable[TokenRun]:
    """Yields the runs whose tokens carry loss; errors as `loss_mask`."""
    kept = {
        index: list(runs)
        for index, runs in groupby(rendered, attrgetter("message"))
        # The end of a prompt comes behind the last message.
        if index < len(messages)
    }
    indices = list(kept)
    sampled = samples([messages[index] for index in indices])
    trained = _trained_messages(messages, policy)
    if policy.messages is TrainedMessages.LAST_SAMPLE and sampled:
        last = sampled[-1]
        trained = set(indices[last.begin : last.end]).intersection(trained)
    is_trained = _token_filter(policy.tokens)
    for sample in sampled:
        for position in range(sample.begin, sample.end):
            index = indices[position]
            if index not in trained:
                continue
            ends_answer = sample.ended_by is SampleEnd.ANSWER and position == sample.end - 1
            for run in kept[index]:
                is_history = (
                    ends_answer and run.part is TokenPart.STOP and rendered.tokens[run.begin] == END
                )
                if is_trained(run, position == sample.begin, is_history):
                    yield run


def _trained_messages(messages: Sequence[Message], policy: LossPolicy) -> set[int]:
    """Returns the indices of the assistant messages that the policy trains, samples aside."""
    match policy.messages:
        case TrainedMessages.NONE:
            indices: Iterable[int] = ()
        case TrainedMessages.CHOSEN:
            for index in policy.chosen:
                if not 0 <= index < len(messages):
                    raise ValueError(f"chosen: there is no message {index}")
                if messages[index].author.role is not Role.ASSISTANT:
                    raise ValueError(f"chosen: message {index} is not the assistant's")
            indices = policy.chosen
        case TrainedMessages.LAST_TURN:
            users = (
                index
                for index in range(len(messages) - 1, -1, -1)
                if messages[index].author.role is Role.USER
            )
            indices = range(next(users, -1) + 1, len(messages))
        case TrainedMessages.ALL | TrainedMessages.LAST_SAMPLE:
            indices = range(len(messages))
    return {index for index in indices if _is_eligible(messages[index], policy)}


def _is_eligible(message: Message, policy: LossPolicy) -> bool:
    return (
        message.author.role is Role.ASSISTANT
        and (policy.channels is None or message.channel in policy.channels)
        and (policy.calls or message.recipient is None)
    )


def _token_filter(tokens: TrainedTokens) -> Callable[[TokenRun, bool, bool], bool]:
    """Returns whether a run is trained, given whether its message is the first of its sample.

    The last argument says whether it is the `<|end|>` of an answer.
    """
    match tokens:
        case TrainedTokens.SAMPLED:
            return lambda run, is_first, is_history: (
                not is_history and not (is_first and run.part in _PROMPT_PARTS)
            )
        case TrainedTokens.CONTENT:
            return lambda run, _, is_history: (
                run.part is TokenPart.CONTENT or (run.part is TokenPart.STOP and not is_history)
            )
        case TrainedTokens.MESSAGE:
            return lambda *_: True
