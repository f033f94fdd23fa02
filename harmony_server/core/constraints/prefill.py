"""What is left of a turn behind the tokens that the prompt has of it already: derivatives.

The derivative of a tree by a symbol is the tree of what may follow the symbol. The symbols are the
special tokens and the bytes of the others.
"""

import codecs
from collections.abc import Callable, Sequence

from ..errors import ConstraintError
from ..tokenizer import is_special_token, is_token
from .tree import Choice, Json, Literal, Name, Node, Repeat, Special, Text, choice
from .tree import Sequence as SequenceNode

_FIELD = "options.prefill"
_NAME_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_EMPTY = SequenceNode(())


def after_prefill(
    turn: Node, prefill: Sequence[int], token_bytes: Callable[[Sequence[int]], bytes]
) -> Node:
    """Returns what is left of a turn.

    Args:
        turn: The turn.
        prefill: Its first tokens.
        token_bytes: Returns the bytes of tokens.

    Raises:
        ConstraintError: No turn begins with the prefill, or it ends inside a JSON value or a
            character.
    """
    index = 0
    while index < len(prefill):
        token = prefill[index]
        if not is_token(token):
            raise ConstraintError(f"holds {token}, which is not in the vocabulary", field=_FIELD)
        if is_special_token(token):
            turn = _require(_by_special(turn, token), index)
            index += 1
            continue
        begin = index
        while index < len(prefill) and _is_ordinary(prefill[index]):
            index += 1
        data = token_bytes(prefill[begin:index])
        if index == len(prefill):
            _check_characters(data)
        for byte in data:
            rest = _require(_by_byte(turn, byte), begin)
            if rest is turn:
                # Free text: no byte changes it.
                break
            turn = rest
    return turn


def _is_ordinary(token: int) -> bool:
    return is_token(token) and not is_special_token(token)


def _require(rest: Node | None, index: int) -> Node:
    if rest is None:
        raise ConstraintError(f"begins no turn that is allowed: token {index}", field=_FIELD)
    return rest


def _check_characters(data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    decoder.decode(data)
    if decoder.getstate()[0]:
        raise ConstraintError("ends inside a character", field=_FIELD)


def _by_special(node: Node, token: int) -> Node | None:
    match node:
        case Special():
            return _EMPTY if node.token == token else None
        case Literal() | Text() | Name() | Json():
            return None
    return _by(node, lambda part: _by_special(part, token))


def _by_byte(node: Node, byte: int) -> Node | None:
    match node:
        case Special():
            return None
        case Literal():
            return Literal(node.data[1:]) if node.data[:1] == bytes((byte,)) else None
        case Text():
            return node
        case Name():
            return Name(0) if byte in _NAME_BYTES else None
        case Json():
            raise ConstraintError("reaches into JSON", field=_FIELD)
    return _by(node, lambda part: _by_byte(part, byte))


def _by(node: SequenceNode | Choice | Repeat, derive: Callable[[Node], Node | None]) -> Node | None:
    match node:
        case Choice():
            options = [rest for rest in map(derive, node.options) if rest is not None]
            return choice(*options) if options else None
        case Repeat():
            rest = derive(node.node) if node.maximum else None
            if rest is None:
                return None
            again = Repeat(node.node, max(0, node.minimum - 1), node.maximum - 1)
            return _joined(rest, (again,) if again.maximum else ())
        case SequenceNode():
            return _by_sequence(node, derive)


def _by_sequence(node: SequenceNode, derive: Callable[[Node], Node | None]) -> Node | None:
    options: list[Node] = []
    for index, part in enumerate(node.parts):
        rest = derive(part)
        if rest is not None:
            if rest is part and index == 0:
                options.append(node)
            else:
                options.append(_joined(rest, node.parts[index + 1 :]))
        if not _may_be_empty(part):
            break
    return choice(*options) if options else None


def _joined(first: Node, rest: tuple[Node, ...]) -> Node:
    parts = first.parts if isinstance(first, SequenceNode) else (first,)
    parts = tuple(part for part in parts if not (isinstance(part, Literal) and not part.data))
    joined = (*parts, *rest)
    return joined[0] if len(joined) == 1 else SequenceNode(joined)


def _may_be_empty(node: Node) -> bool:
    match node:
        case Literal():
            return not node.data
        case Text():
            return True
        case Name() | Repeat():
            return node.minimum == 0
        case Special() | Json():
            return False
        case Choice():
            return any(map(_may_be_empty, node.options))
        case SequenceNode():
            return all(map(_may_be_empty, node.parts))
