"""Turns a turn into a deterministic automaton over token ids.

Bodies are text in it, JSON too, and literals are read in their canonical tokens.
"""

from collections.abc import Callable, Sequence

from .options import Budget, TokenAutomaton
from .tree import Choice, Json, Literal, Name, Node, Repeat, Special, Text
from .tree import Sequence as SequenceNode

_BYTES_PER_EDGE = 8
_BYTES_PER_STATE = 12


def build_automaton(
    turn: Node, encode: Callable[[str], Sequence[int]], budget: Budget
) -> TokenAutomaton:
    """Returns the automaton of a turn.

    Args:
        turn: The turn, without free names.
        encode: Encodes text without special tokens.
        budget: Counts the bytes.

    Raises:
        ConstraintLimitError: It is too large.
    """
    paths = _Paths(encode, budget)
    return _determine(paths, paths.enter(turn, paths.end), budget)


class _Paths:
    """A nondeterministic automaton, built from the end so that equal rests are shared.

    Attributes:
        edges: For each state, the tokens that lead on and the state behind them.
        empty: For each state, those that it stands for as well.
        has_text: Whether ordinary tokens keep the state.
        end: The state in which the turn may end.
    """

    def __init__(self, encode: Callable[[str], Sequence[int]], budget: Budget) -> None:
        self._encode = encode
        self._budget = budget
        self.edges: list[dict[int, int]] = []
        self.empty: list[tuple[int, ...]] = []
        self.has_text: list[bool] = []
        self._entered: dict[tuple[int, int], int] = {}
        self._after_text: dict[int, int] = {}
        self._steps: dict[tuple[int, int], int] = {}
        self.end = self._add()

    def _add(
        self,
        edges: dict[int, int] | None = None,
        empty: tuple[int, ...] = (),
        *,
        has_text: bool = False,
    ) -> int:
        self._budget.spend_nodes()
        self.edges.append(edges or {})
        self.empty.append(empty)
        self.has_text.append(has_text)
        return len(self.edges) - 1

    def enter(self, node: Node, after: int) -> int:
        """Returns the state before a node that leads to the state `after`."""
        key = (id(node), after)
        state = self._entered.get(key)
        if state is None:
            state = self._entered[key] = self._enter(node, after)
        return state

    def _enter(self, node: Node, after: int) -> int:
        match node:
            case Special():
                return self._step(node.token, after)
            case Literal():
                for token in reversed(self._encode(node.text)):
                    after = self._step(token, after)
                return after
            case Text() | Json():
                if after not in self._after_text:
                    self._after_text[after] = self._add(empty=(after,), has_text=True)
                return self._after_text[after]
            case SequenceNode():
                for part in reversed(node.parts):
                    after = self.enter(part, after)
                return after
            case Choice():
                # Without duplicates: the calls of a toolset differ in their names only.
                options = dict.fromkeys(self.enter(option, after) for option in node.options)
                return next(iter(options)) if len(options) == 1 else self._add(empty=(*options,))
            case Repeat():
                state = after
                for count in range(node.maximum):
                    again = self.enter(node.node, state)
                    is_optional = node.maximum - count > node.minimum
                    state = self._add(empty=(again, after)) if is_optional else again
                return state
            case Name():
                raise TypeError("free names have no canonical tokens")

    def _step(self, token: int, after: int) -> int:
        key = (token, after)
        if key not in self._steps:
            self._steps[key] = self._add({token: after})
        return self._steps[key]


def _determine(paths: _Paths, first: int, budget: Budget) -> TokenAutomaton:
    """Merges states that the same tokens lead to."""

    def closure(states: Sequence[int]) -> frozenset[int]:
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += paths.empty[state]
        # States that only stand for others tell nothing apart.
        return frozenset(
            state
            for state in found
            if paths.edges[state] or paths.has_text[state] or state == paths.end
        )

    numbers: dict[frozenset[int], int] = {}
    members: list[frozenset[int]] = []

    def number(states: Sequence[int]) -> int:
        key = closure(states)
        if key not in numbers:
            numbers[key] = len(members)
            members.append(key)
            budget.spend_bytes(_BYTES_PER_STATE)
        return numbers[key]

    number([first])
    offsets, tokens, targets = [0], [], []
    for states in members:
        by_token: dict[int, list[int]] = {}
        for state in sorted(states):
            for token, target in paths.edges[state].items():
                by_token.setdefault(token, []).append(target)
        budget.spend_bytes(_BYTES_PER_EDGE * len(by_token))
        for token in sorted(by_token):
            tokens.append(token)
            targets.append(number(by_token[token]))
        offsets.append(len(tokens))
    return TokenAutomaton(
        edge_offsets=tuple(offsets),
        edge_tokens=tuple(tokens),
        edge_targets=tuple(targets),
        text_states=tuple(
            index
            for index, states in enumerate(members)
            if any(paths.has_text[state] for state in states)
        ),
        accepting_states=tuple(
            index for index, states in enumerate(members) if paths.end in states
        ),
    )
