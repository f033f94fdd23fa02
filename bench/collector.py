"""An OpenTelemetry collector in its own process: `python -m bench.collector`.

It prints its address, stores what it receives, and prints the number of spans when its input ends.
"""

import sys

from devtools.collector import running_collector

if __name__ == "__main__":
    with running_collector() as _collector:
        print(f"listening on {_collector.address}", flush=True)
        sys.stdin.read()
        print(f"{len(_collector.spans())} spans", flush=True)
