"""The tree that describes a turn; each printer writes it in its format.

Nodes compare by identity: a node that occurs in several places is printed once.
"""

from dataclasses import dataclass

from .shapes import JsonShape


@dataclass(frozen=True, eq=False, slots=True)
class Special:
    """One special token."""

    token: int


@dataclass(frozen=True, eq=False, slots=True)
class Literal:
    """A text, in UTF-8."""

    data: bytes

    @property
    def text(self) -> str:
        """The text."""
        return self.data.decode()


@dataclass(frozen=True, eq=False, slots=True)
class Text:
    """Any number of ordinary tokens."""


@dataclass(frozen=True, eq=False, slots=True)
class Name:
    """Letters, digits and `_.-` in ASCII: at least `minimum` of them, which is 0 or 1."""

    minimum: int


@dataclass(frozen=True, eq=False, slots=True)
class Json:
    """A JSON value of a shape."""

    shape: JsonShape


@dataclass(frozen=True, eq=False, slots=True)
class Sequence:
    """Parts, one after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """One of some options; without options, nothing fits."""

    options: tuple["Node", ...]


@dataclass(frozen=True, eq=False, slots=True)
class Repeat:
    """A node, from `minimum` to `maximum` times."""

    node: "Node"
    minimum: int
    maximum: int


Node = Special | Literal | Text | Name | Json | Sequence | Choice | Repeat


def literal(text: str) -> Literal:
    """Returns the node of a text."""
    return Literal(text.encode())


def sequence(*parts: Node) -> Node:
    """Returns the parts as one node; a sequence inside is unfolded."""
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, Sequence):
            flat += part.parts
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def choice(*options: Node) -> Node:
    """Returns one of the options; a single one is itself."""
    return options[0] if len(options) == 1 else Choice(options)
