"""Generated outputs with spoilt headers: what was meant comes out."""

import os
from collections import Counter

from harmony_server.core import ParseOptions, Role
from tests.support.encodings import encoding, tokens_of

from .generated import spoil
from .meaning import is_meant, meaning_of

CASES = int(os.environ.get("TEST_CASES", "2000"))
# docs/recovery.md lists what is left.
MEANT_SHARE = 0.99


def test_generated_outputs_come_out_as_meant() -> None:
    """At least 99 % do; the faults of the others are shown."""
    missed: Counter[str] = Counter()
    count = 0
    for seed in range(CASES):
        spoilt = spoil(seed)
        events = encoding().parse_events(
            tokens_of(spoilt.text), Role.ASSISTANT, ParseOptions(recover=True)
        )
        if not is_meant(meaning_of(events), spoilt.meant):
            count += 1
            missed.update(spoilt.faults)
            print(spoilt.text)
    assert count <= CASES * (1 - MEANT_SHARE), missed.most_common()
