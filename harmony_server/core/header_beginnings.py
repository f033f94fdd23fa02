"""The beginnings of headers without text, which recover mode need not search again."""

import functools
import weakref
from typing import Final, NamedTuple

from .bounds import MAX_REMEMBERED_BEGINNINGS
from .chat import Role
from .events import Header
from .header_words import HeaderWords, header_words


class Beginning:
    """The first tokens of headers.

    Attributes:
        longer: The beginnings that are longer by a token, by that token.
        header: The header, if `<|message|>` comes next; None if that is unknown or takes repairs.
    """

    __slots__ = ("__weakref__", "header", "longer")

    def __init__(self) -> None:
        self.longer: dict[int, Beginning] = {}
        self.header: Header | None = None


class HeaderBeginnings:
    """Trees of beginnings, all emptied when there are too many."""

    def __init__(self) -> None:
        self._trees: weakref.WeakSet[Beginning] = weakref.WeakSet()
        self._count = 0

    def new_tree(self) -> Beginning:
        """Returns the beginning that has no tokens, of a tree of its own."""
        tree = Beginning()
        self._trees.add(tree)
        return tree

    def extend(self, beginning: Beginning, token: int) -> Beginning:
        """Returns the beginning that is longer by a token."""
        longer = beginning.longer.get(token)
        if longer is None:
            self._count += 1
            if self._count > MAX_REMEMBERED_BEGINNINGS:
                # Parsers go on using those of their current headers.
                for tree in list(self._trees):
                    tree.longer.clear()
                    tree.header = None
                self._count = 1
            longer = beginning.longer[token] = Beginning()
        return longer


class KnownHeaders(NamedTuple):
    """What is known of the headers of parsers with the same words and the same preset role.

    Attributes:
        words: The known words.
        default_role: The role of a header without one.
        first: Beginnings of the first header, which has the preset role.
        later: Beginnings of headers behind `<|start|>`.
    """

    words: HeaderWords
    default_role: Role
    first: Beginning
    later: Beginning


@functools.lru_cache(64)
def known_headers(
    callable_names: tuple[str, ...], channels: tuple[str, ...], role: Role | None
) -> KnownHeaders:
    """Returns what is known, the same object for the same arguments."""
    words = header_words(callable_names, channels)
    default_role = role or Role.ASSISTANT
    return KnownHeaders(words, default_role, BEGINNINGS.new_tree(), BEGINNINGS.new_tree())


BEGINNINGS: Final = HeaderBeginnings()
