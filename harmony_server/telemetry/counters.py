"""What the service counts as it works: plain numbers, so that a count costs nearly nothing."""

import collections


class Counters:
    """Totals since the process started.

    Each is changed by one `+=` on an attribute, between whose read and write CPython switches no
    thread; whoever reports them reads them when asked.

    Attributes:
        rendered_tokens: Tokens of rendered messages and conversations.
        parsed_tokens: Tokens that parses were fed.
        repairs: Repairs of recovering parses, by the name of their reason.
    """

    def __init__(self) -> None:
        self.rendered_tokens = 0
        self.parsed_tokens = 0
        self.repairs: collections.Counter[str] = collections.Counter()
