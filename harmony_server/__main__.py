"""Runs the command `harmony-server`, also as `python -m harmony_server`."""

import os
import signal
import sys


def run() -> None:
    """Runs the command line of this process, and exits."""
    if sys.argv[1:2] == ["serve"]:
        # Before the imports, which take most of the start. Nothing has to be released yet.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
    from .cli import main

    main(prog_name="harmony-server")


if __name__ == "__main__":
    run()
