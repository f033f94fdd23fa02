"""Loss masks: which tokens of a render carry loss."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from ..core import Message, Rendered, Role, TokenPart, TokenRun
from ..core.tokenizer import RETURN
from .policy import LossPolicy, TrainedMessages, TrainedTokens
from .samples import MessageKind, SampleEnd, find_samples

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
    mask = bytearray(len(rendered.tokens))
    for run in trained_runs(messages, rendered, policy or LossPolicy()):
        mask[run.begin : run.end] = b"\1" * (run.end - run.begin)
    if mask:
        mask[0] = 0
    return bytes(mask)


def trained_runs(
    messages: Sequence[Message], rendered: Rendered, policy: LossPolicy
) -> Iterator[TokenRun]:
    """Yields the runs whose tokens carry loss, but for the first token; errors as `loss_mask`."""
    ends_with_return = bool(rendered.tokens) and rendered.tokens[-1] == RETURN
    kinds = [MessageKind.of(message) for message in messages]
    return find_trained_runs(kinds, rendered, policy, ends_with_return=ends_with_return)


def find_trained_runs(
    kinds: Sequence[MessageKind],
    runs: Iterable[TokenRun],
    policy: LossPolicy,
    *,
    ends_with_return: bool,
) -> Iterator[TokenRun]:
    """Yields the runs whose tokens carry loss, but for the first token.

    Args:
        kinds: The kinds of the messages of the conversation as it was passed to the render.
        runs: The runs of the render.
        policy: Which tokens carry loss.
        ends_with_return: Whether the last token is `<|return|>`.

    Raises:
        ValueError: As `loss_mask`.
    """
    trained = _find_trained_messages(kinds, policy)
    kept = {
        index: list(message_runs)
        for index, message_runs in groupby(runs, attrgetter("message"))
        # The end of a prompt comes behind the last message.
        if index < len(kinds)
    }
    indices = list(kept)
    found = find_samples([kinds[index] for index in indices])
    if policy.messages is TrainedMessages.LAST_SAMPLE:
        found = found[-1:]
    is_trained = _token_filter(policy.tokens)
    for sample in found:
        for position in range(sample.begin, sample.end):
            index = indices[position]
            if index not in trained:
                continue
            is_answer = sample.ended_by is SampleEnd.ANSWER and position == sample.end - 1
            is_return = ends_with_return and position == len(indices) - 1
            for run in kept[index]:
                is_history = is_answer and not is_return and run.part is TokenPart.STOP
                if is_trained(run, position == sample.begin, is_history):
                    yield run


def alternating_runs(trained: Iterable[TokenRun], count: int) -> list[int]:
    """Returns the lengths of runs without loss, with loss, without, and so on.

    The first may be 0, no other is. The first token never carries loss.

    Args:
        trained: The runs whose tokens carry loss, in order.
        count: The number of tokens; the lengths add up to it.
    """
    lengths: list[int] = []
    end = 0
    for run in trained:
        begin = max(run.begin, 1)
        if begin == run.end:
            continue
        if lengths and begin == end:
            lengths[-1] += run.end - begin
        else:
            lengths += [begin - end, run.end - begin]
        end = run.end
    if end < count or not count:
        lengths.append(count - end)
    return lengths


def _find_trained_messages(kinds: Sequence[MessageKind], policy: LossPolicy) -> set[int]:
    """Returns the indices of the messages that the policy trains if they are in a sample."""
    match policy.messages:
        case TrainedMessages.NONE:
            indices: Iterable[int] = ()
        case TrainedMessages.CHOSEN:
            for index in policy.chosen:
                if not 0 <= index < len(kinds):
                    raise ValueError(f"there is no message {index}")
                if kinds[index].role is not Role.ASSISTANT:
                    raise ValueError(f"message {index} is not the assistant's")
            indices = policy.chosen
        case TrainedMessages.LAST_TURN:
            users = (
                index for index in range(len(kinds) - 1, -1, -1) if kinds[index].role is Role.USER
            )
            indices = range(next(users, -1) + 1, len(kinds))
        case TrainedMessages.ALL | TrainedMessages.LAST_SAMPLE:
            indices = range(len(kinds))
    return {index for index in indices if _is_eligible(kinds[index], policy)}


def _is_eligible(kind: MessageKind, policy: LossPolicy) -> bool:
    return (policy.channels is None or kind.channel in policy.channels) and (
        policy.calls or not kind.has_recipient
    )


def _token_filter(tokens: TrainedTokens) -> Callable[[TokenRun, bool, bool], bool]:
    """Returns a function of a run that says whether it is trained.

    Its further arguments are whether the message is the first of its sample, and whether the run is
    the `<|end|>` of an answer.
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
