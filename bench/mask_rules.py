"""How others find the tokens to train in a harmony token sequence, told apart by tokens alone.

Each function takes the tokens of a conversation whose turns are all to be trained, and returns a
byte for each token: 1 if it carries loss.
"""

from collections.abc import Callable, Iterator, Sequence

from harmony_server.core.structure import STOP_TOKENS
from harmony_server.core.tokenizer import CHANNEL, MESSAGE, START

Rule = Callable[[Sequence[int]], bytes]

_ASSISTANT = 173781
_USER = 1428


def whole_messages(tokens: Sequence[int]) -> bytes:
    """Each assistant message from `<|start|>` to its stop token: TRL's training template."""
    return _marked(tokens, _assistant_messages(tokens))


def behind_the_role(tokens: Sequence[int]) -> bytes:
    """From behind each `<|start|>assistant` to the stop token: Megatron-Bridge."""
    return _marked(tokens, ((begin + 2, end) for begin, end in _assistant_messages(tokens)))


def contents(tokens: Sequence[int]) -> bytes:
    """The content and the stop token of each message: PrimeIntellect's renderers."""
    return _marked(
        tokens,
        ((tokens.index(MESSAGE, begin) + 1, end) for begin, end in _assistant_messages(tokens)),
    )


def up_to_the_next_user(tokens: Sequence[int]) -> bytes:
    """From the first response marker to the next user message: Unsloth's markers for responses."""
    return _marked(tokens, _turns(tokens))


RULES: dict[str, Rule] = {
    "whole assistant messages": whole_messages,
    "from behind each `<|start|>assistant` to its stop token": behind_the_role,
    "content and stop token": contents,
    "from the first response marker to the next user": up_to_the_next_user,
}


def _marked(tokens: Sequence[int], ranges: Iterator[tuple[int, int]]) -> bytes:
    mask = bytearray(len(tokens))
    for begin, end in ranges:
        mask[begin:end] = b"\1" * (end - begin)
    return bytes(mask)


def _assistant_messages(tokens: Sequence[int]) -> Iterator[tuple[int, int]]:
    for begin, token in enumerate(tokens):
        if token == START and tokens[begin + 1] == _ASSISTANT:
            end = next(i for i in range(begin, len(tokens)) if tokens[i] in STOP_TOKENS)
            yield begin, end + 1


def _turns(tokens: Sequence[int]) -> Iterator[tuple[int, int]]:
    begin = None
    for offset, token in enumerate(tokens):
        if token != START:
            continue
        if tokens[offset + 1] == _USER and begin is not None:
            yield begin, offset
            begin = None
        elif tokens[offset + 1] == _ASSISTANT and begin is None:
            begin = tokens.index(CHANNEL, offset)
    if begin is not None:
        yield begin, len(tokens)
