"""Remembers rendered messages, so that a conversation that grows by a turn costs that turn."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .bounds import MAX_SHARE_OF_RENDER_CACHE

_Value = TypeVar("_Value")

# What an entry takes beside its key and value: the dictionary's slot, the objects' headers.
_ENTRY_OVERHEAD_BYTES = 250


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What a cache holds, and how often it was of use since it was made.

    Attributes:
        hits: Lookups that found an entry.
        misses: Lookups that found none.
        entries: Entries held.
        bytes: Their size, as the cache accounts for it.
        max_bytes: The bound on `bytes`.
    """

    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int


class RenderCache(Generic[_Value]):
    """A cache bounded in bytes that forgets what was not used for longest. Thread-safe.

    An entry's key must hold everything that its value depends on: an entry is never stale.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0
        self._hits = 0
        self._misses = 0

    def get_all(self, keys: Iterable[Hashable]) -> list[_Value | None]:
        """Returns the value of each key, or None; the key None has no value."""
        values: list[_Value | None] = []
        misses = 0
        entries = self._entries
        with self._lock:
            for key in keys:
                try:
                    entry = entries.get(key)
                except TypeError:
                    # No key: a field that is not what its type says.
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

    def put(self, key: Hashable, value: _Value, size: int) -> None:
        """Remembers a value; `size` is that of key and value together, in bytes.

        One that would take more than a quarter of the cache, and drive out as many others, is not
        remembered.
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
        """What the cache holds now, and its counts."""
        with self._lock:
            return CacheStatistics(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._entries),
                bytes=self._bytes,
                max_bytes=self._max_bytes,
            )
