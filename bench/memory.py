"""Amounts of memory for the tables."""


def mebibytes(size: float) -> str:
    """Returns a size in MiB."""
    return f"{size / 2**20:.0f} MiB"


def kibibytes(size: float) -> str:
    """Returns a size in KiB."""
    return f"{size / 2**10:.1f} KiB"
