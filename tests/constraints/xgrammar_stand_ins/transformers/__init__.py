"""Stands in for transformers, whose classes xgrammar only names."""


class PreTrainedTokenizerBase:
    """A name."""


class PreTrainedTokenizerFast:
    """A name."""


class LogitsProcessor:
    """A name."""
