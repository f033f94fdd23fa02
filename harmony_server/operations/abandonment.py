"""Stops work in a thread after its caller has gone: the work checks at points of its own."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Part = TypeVar("_Part")

_abandoned: contextvars.ContextVar[threading.Event] = contextvars.ContextVar("abandoned")


class AbandonedError(Exception):
    """The caller of the work has gone."""


@contextlib.contextmanager
def abandonable(abandoned: threading.Event) -> Iterator[None]:
    """Makes `stop_if_abandoned` check the event, inside the block and in this thread.

    Args:
        abandoned: Set by another thread when the caller has gone.
    """
    token = _abandoned.set(abandoned)
    try:
        yield
    finally:
        _abandoned.reset(token)


def stop_if_abandoned() -> None:
    """Stops the work of this thread if its caller has gone; does nothing outside `abandonable`.

    Raises:
        AbandonedError: The caller has gone.
    """
    event = _abandoned.get(None)
    if event is not None and event.is_set():
        raise AbandonedError


def unless_abandoned(parts: Iterable[_Part]) -> Iterator[_Part]:
    """Yields the parts of lazy work, and checks before each whether the caller has gone.

    Raises:
        AbandonedError: As `stop_if_abandoned`.
    """
    for part in parts:
        stop_if_abandoned()
        yield part
