"""An OpenTelemetry collector as a process of its own: `python -m bench.collector`.

It keeps what it gets, prints where it listens, and how much it got when its input ends.
"""

import sys

from devtools.collector import running_collector

if __name__ == "__main__":
    with running_collector() as _collector:
        print(f"listening on {_collector.address}", flush=True)
        sys.stdin.read()
        print(f"{len(_collector.spans())} spans", flush=True)
