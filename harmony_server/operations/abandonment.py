"""Work in a thread whose caller has gone: it stops where it next looks."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Part = TypeVar("_Part")

_abandoned: contextvars.ContextVar[threading.Event] = contextvars.ContextVar("abandoned")


class AbandonedError(Exception):
    """Nobody waits for the work any more."""


@contextlib.contextmanager
def abandonable(abandoned: threading.Event) -> Iterator[None]:
    """Lets `stop_if_abandoned` see the event, in the work of this thread."""
    token = _abandoned.set(abandoned)
    try:
        yield
    finally:
        _abandoned.reset(token)


def stop_if_abandoned() -> None:
    """Raises AbandonedError where the work that this thread does is wanted no more."""
    event = _abandoned.get(None)
    if event is not None and event.is_set():
        raise AbandonedError


def unless_abandoned(parts: Iterable[_Part]) -> Iterator[_Part]:
    """Yields the parts of some work, of which each is done when it is asked for."""
    for part in parts:
        stop_if_abandoned()
        yield part
