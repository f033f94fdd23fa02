"""Prints a turn in the two dialects of BNF: xgrammar's EBNF and llama.cpp's GBNF."""

from collections.abc import Iterable

from ..tokenizer import VOCABULARY_SIZE
from ..vocabulary import TOKEN_COUNT
from .json_rules import DEFINED_AS, JsonRules, Rules, alternatives, marker_free, quoted
from .options import Budget
from .tree import Choice, Json, Literal, Name, Node, Repeat, Sequence, Special, Text

_NAME_CHARACTERS = "[A-Za-z0-9_.\\u002d]"


class _Printer:
    """What both dialects share. Nodes that occur in several places become rules."""

    def __init__(self, budget: Budget, max_whitespace: int) -> None:
        self.rules = Rules(budget)
        self._budget = budget
        self._json_rules = JsonRules(self.rules, max_whitespace)
        self._printed: dict[int, str] = {}

    def print_grammar(self, turn: Node) -> str:
        """Returns the grammar of a turn."""
        root = f"root{DEFINED_AS}{self._print(turn)}\n"
        self._budget.spend_bytes(len(root))
        return root + self.rules.text()

    def print_special(self, token: int) -> str:
        """Returns the expression of a special token."""
        raise NotImplementedError

    def print_text(self) -> str:
        """Returns the expression of any number of ordinary tokens."""
        raise NotImplementedError

    def _print(self, node: Node) -> str:
        match node:
            case Special():
                return self.print_special(node.token)
            case Literal():
                return quoted(node.text)
            case Name():
                return _NAME_CHARACTERS + ("+" if node.minimum else "*")
            case Sequence():
                return " ".join(map(self._print, node.parts))
        # Printed once; the tree keeps the node, and so its identity.
        printed = self._printed.get(id(node))
        if printed is None:
            printed = self._printed[id(node)] = self._print_rule(node)
        return printed

    def _print_rule(self, node: Text | Json | Choice | Repeat) -> str:
        match node:
            case Text():
                return self.print_text()
            case Json():
                return self._json_rules.write(node.shape)
            case Choice():
                return self.rules.add(alternatives(map(self._print, node.options)))
            case Repeat():
                inner = self.rules.add(self._print(node.node))
                return self.rules.add(f"{inner}{{{node.minimum},{node.maximum}}}")


class _EbnfPrinter(_Printer):
    def __init__(self, budget: Budget, max_whitespace: int, special_tokens: Iterable[int]) -> None:
        super().__init__(budget, max_whitespace)
        self._special_tokens = special_tokens

    def print_special(self, token: int) -> str:
        return f"Token({token})"

    def print_text(self) -> str:
        return self.rules.add(f"ExcludeToken({', '.join(map(str, self._special_tokens))})*")


class _GbnfPrinter(_Printer):
    def print_special(self, token: int) -> str:
        return f"<[{token}]>"

    def print_text(self) -> str:
        # A terminal excludes one token, and characters match the spelling of special tokens.
        return marker_free(self.rules, in_json=False)[0]


def print_ebnf(turn: Node, budget: Budget, *, max_whitespace: int, vocabulary_size: int) -> str:
    """Returns a turn as EBNF for xgrammar.

    Args:
        turn: The turn.
        budget: Counts the bytes.
        max_whitespace: The most white-space characters between two parts of a JSON value.
        vocabulary_size: The number of the engine's token ids: xgrammar refuses larger ones.

    Raises:
        ConstraintLimitError: It is too large.
    """
    special_tokens = range(TOKEN_COUNT, min(vocabulary_size, VOCABULARY_SIZE))
    return _EbnfPrinter(budget, max_whitespace, special_tokens).print_grammar(turn)


def print_gbnf(turn: Node, budget: Budget, *, max_whitespace: int) -> str:
    """Returns a turn as GBNF for llama.cpp.

    Args:
        turn: The turn.
        budget: Counts the bytes.
        max_whitespace: The most white-space characters between two parts of a JSON value.

    Raises:
        ConstraintLimitError: It is too large.
    """
    return _GbnfPrinter(budget, max_whitespace).print_grammar(turn)
