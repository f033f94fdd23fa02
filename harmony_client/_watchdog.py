"""A time limit for blocking reads of a stream, for which grpcio has none."""

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
    """A call that can be cancelled from another thread."""

    def cancel(self) -> bool:
        """Cancels the call, which wakes a thread that is waiting for it."""


class Watchdog:
    """Cancels calls whose response is late.

    Its thread runs while there is a call to watch. A new call wakes the thread
    only if it is due before all others, so most steps switch no threads.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Cancellable, float] = {}
        # When the thread wakes up next; None: no thread is running.
        self._wakes_at: float | None = None

    @contextmanager
    def watch(self, call: Cancellable, patience: Patience) -> Iterator[None]:
        """Limits the time of the block, which waits for the call.

        Raises `DeadlineExceeded` if the block takes too long; turns a gRPC
        error in the block into the `RpcError` of its status.
        """
        self._add(call, patience.deadline)
        failure: grpc.RpcError | None = None
        try:
            yield
        except grpc.RpcError as error:
            failure = error
        finally:
            late = self._remove(call)
        if late:
            raise patience.deadline_exceeded() from failure
        if failure is not None:
            # grpcio raises the finished call itself.
            raise from_grpc(cast("grpc.Call", failure)) from failure

    def _add(self, call: Cancellable, due: float) -> None:
        with self._changed:
            self._due[call] = due
            if self._wakes_at is None:
                self._wakes_at = due
                threading.Thread(target=self._run, name="harmony-watchdog", daemon=True).start()
            elif due < self._wakes_at:
                self._wakes_at = due
                self._changed.notify()

    def _remove(self, call: Cancellable) -> bool:
        """Stops watching a call; returns whether it was cancelled for being late."""
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
                    self._wakes_at = min(self._due.values())
                    self._changed.wait(self._wakes_at - now)
            self._wakes_at = None
