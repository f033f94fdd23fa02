"""Remembers rendered messages, so that only the new turns of a conversation are rendered."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .bounds import MAX_SHARE_OF_RENDER_CACHE

_Value = TypeVar("_Value")

# Per entry, beyond key and value: the slot in the dictionary and object headers.
_ENTRY_OVERHEAD_BYTES = 250


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """The size of a cache, and its lookups since it was created.

    Attributes:
        hits: Lookups that found an entry.
        misses: Lookups that did not.
        entries: Entries held.
        bytes: Their size in bytes, estimated.
        max_bytes: The limit for `bytes`.
    """

    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int


class RenderCache(Generic[_Value]):
    """A least-recently-used cache with a size limit in bytes. Thread-safe.

    A key must contain everything that its value depends on, so that no entry is ever stale.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0
        self._hits = 0
        self._misses = 0

    def get_all(self, keys: Iterable[Hashable]) -> list[_Value | None]:
        """Returns the value of each key, or None if there is none. The key None never has one."""
        values: list[_Value | None] = []
        misses = 0
        entries = self._entries
        with self._lock:
            for key in keys:
                try:
                    entry = entries.get(key)
                except TypeError:
                    # Not hashable: a field of the message has the wrong type.
                    entry = None
                if entry is None:
                    misses += 1
                    values.append(None)
                else:
                    entries.move_to_end(key)
                    values.append(entry[0])
            self._misses += misses
            self._hits += len(values) - misses
        return values

    def get(self, key: Hashable) -> _Value | None:
        """Returns the value of a key, or None if there is none."""
        return self.get_all((key,))[0]

    def put(self, key: Hashable, value: _Value, size: int) -> None:
        """Remembers a value, unless it would take more than a quarter of the cache.

        Args:
            key: The key.
            value: The value.
            size: The size of key and value together, in bytes.
        """
        size += _ENTRY_OVERHEAD_BYTES
        if size > self._max_bytes * MAX_SHARE_OF_RENDER_CACHE:
            return
        with self._lock:
            replaced = self._entries.pop(key, None)
            if replaced is not None:
                self._bytes -= replaced[1]
            self._entries[key] = (value, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, (_, freed) = self._entries.popitem(last=False)
                self._bytes -= freed

    @property
    def statistics(self) -> CacheStatistics:
        """The current size and the counts."""
        with self._lock:
            return CacheStatistics(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._entries),
                bytes=self._bytes,
                max_bytes=self._max_bytes,
            )
