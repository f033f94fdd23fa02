"""A bounded load that checks every response."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from harmony_client import Client, MessageCompleted, assistant, user
from tests.support.waiting import eventually

_RENDERERS = 2
_PARSERS = 4
# Between the RPCs of a renderer and between the tokens of a stream.
_PAUSE_SECONDS = 0.01

_CONVERSATION = [user("What is the weather in Oslo?")]
_ANSWER = assistant("It rains in Oslo, as it does in Bergen.", channel="final")


class Load:
    """Threads that render and parse until the block ends.

    Attributes:
        failures: The errors so far.
    """

    def __init__(self, client: Client, *, replay: bool = True) -> None:
        self.failures: list[Exception] = []
        self._client = client
        self._replay = replay
        self._prompt = client.render_conversation(_CONVERSATION)
        # Without `<|start|>assistant`, with which the prompt ends.
        self._completion = client.render(_ANSWER)[2:]
        self._done = {self._render: 0, self._parse: 0}
        self._stop = threading.Event()
        work = [self._render] * _RENDERERS + [self._parse] * _PARSERS
        self._threads = [threading.Thread(target=self._repeat, args=(task,)) for task in work]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(40)

    def wait(self, renders: int = 40, streams: int = 8) -> None:
        """Waits for this many more renders and streams."""
        goals = {
            self._render: self._done[self._render] + renders,
            self._parse: self._done[self._parse] + streams,
        }

        def reached() -> bool:
            assert not self.failures, self.failures
            return all(self._done[work] >= goal for work, goal in goals.items())

        eventually(reached)

    @property
    def count(self) -> int:
        """The number of finished RPCs and streams."""
        return sum(self._done.values())

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except Exception as error:
                self.failures.append(error)
                return
            self._done[work] += 1

    def _render(self) -> None:
        assert self._client.render_conversation(_CONVERSATION) == self._prompt
        time.sleep(_PAUSE_SECONDS)

    def _parse(self) -> None:
        messages = []
        with self._client.open_parse(replay=self._replay) as stream:
            for token in self._completion:
                events = stream.feed([token])
                messages += [event for event in events if isinstance(event, MessageCompleted)]
                time.sleep(_PAUSE_SECONDS)
            stream.finish()
        assert [event.message for event in messages] == [_ANSWER]
