"""A bound for the blocking reads of a stream, which have none of their own in grpcio."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, cast

import grpc

from harmony_client.errors import from_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harmony_client._patience import Patience


class Cancellable(Protocol):
    """A call."""

    def cancel(self) -> bool:
        """Makes whoever waits for it wait no longer."""


class Watchdog:
    """Cancels calls whose answer is late.

    Its thread runs while there is something to watch, and is woken only where
    a new call is due before all others: a step costs no switch of threads.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Cancellable, float] = {}
        # When the thread looks next; None: there is no thread.
        self._looks: float | None = None

    @contextmanager
    def watch(self, call: Cancellable, patience: Patience) -> Iterator[None]:
        """Bounds the block, which waits for the call.

        Raises `DeadlineExceeded` where the block took too long, else the class
        of the status where it failed.
        """
        self._add(call, patience.ends)
        failure: grpc.RpcError | None = None
        try:
            yield
        except grpc.RpcError as error:
            failure = error
        finally:
            late = self._remove(call)
        if late:
            raise patience.exhausted() from failure
        if failure is not None:
            # grpcio raises the call itself.
            raise from_grpc(cast("grpc.Call", failure)) from failure

    def _add(self, call: Cancellable, due: float) -> None:
        with self._changed:
            self._due[call] = due
            if self._looks is None:
                self._looks = due
                threading.Thread(target=self._run, name="harmony-watchdog", daemon=True).start()
            elif due < self._looks:
                self._looks = due
                self._changed.notify()

    def _remove(self, call: Cancellable) -> bool:
        """Ends the watch; returns whether the call was cancelled."""
        with self._changed:
            return self._due.pop(call, None) is None

    def _run(self) -> None:
        with self._changed:
            while self._due:
                now = time.monotonic()
                for call in [call for call, due in self._due.items() if due <= now]:
                    del self._due[call]
                    call.cancel()
                if self._due:
                    self._looks = min(self._due.values())
                    self._changed.wait(self._looks - now)
            self._looks = None
