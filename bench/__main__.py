"""Command line: `python -m bench [NAME...]`."""

import argparse
import time
from collections.abc import Sequence

from . import claims, results


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures all claims and writes RESULTS.md, or measures the named ones and prints them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these claims")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(claims.NAMES)
    if unknown:
        parser.error(f"no claim has the name {min(unknown)}; see --list")
    if options.list:
        print("\n".join(claims.NAMES))
    elif options.names:
        print(results.table([row for name in options.names for row in claims.measure(name)]))
    else:
        _measure_all()


def _measure_all() -> None:
    begin = time.monotonic()
    tables = {}
    for heading, names in claims.TABLES.items():
        rows: list[results.Row] = []
        for name in names:
            print(f"{name} ...", flush=True)
            rows += claims.measure(name)
        tables[heading] = rows
        print(results.table(rows), flush=True)
    results.write(tables, "python -m bench", time.monotonic() - begin)
    print(f"wrote {results.PATH}")


if __name__ == "__main__":
    main()
