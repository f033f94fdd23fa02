"""The beginnings of headers without text, which recover mode need not search again."""

from .bounds import MAX_REMEMBERED_BEGINNINGS
from .events import Header
from .repaired_header import HeaderContext


class Beginning:
    """The first tokens of headers.

    Attributes:
        longer: The beginnings that are longer by a token, by that token.
        header: The header, if `<|message|>` comes next; None if that is unknown or takes repairs.
    """

    __slots__ = ("header", "longer")

    def __init__(self) -> None:
        self.longer: dict[int, Beginning] = {}
        self.header: Header | None = None


class HeaderBeginnings:
    """A tree of beginnings for each context, emptied when there are too many."""

    def __init__(self) -> None:
        self._trees: dict[HeaderContext, Beginning] = {}
        self._count = 0

    def of(self, context: HeaderContext) -> Beginning:
        """Returns the beginning that has no tokens."""
        tree = self._trees.get(context)
        if tree is None:
            tree = self._add()
            self._trees[context] = tree
        return tree

    def extend(self, beginning: Beginning, token: int) -> Beginning:
        """Returns a new beginning that is longer by a token."""
        longer = beginning.longer[token] = self._add()
        return longer

    def _add(self) -> Beginning:
        self._count += 1
        if self._count > MAX_REMEMBERED_BEGINNINGS:
            # Parsers go on using those of their current headers.
            self._trees.clear()
            self._count = 1
        return Beginning()
