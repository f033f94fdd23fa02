"""Formats amounts of memory."""


def mebibytes(size: float) -> str:
    """Formats bytes in MiB."""
    return f"{size / 2**20:.0f} MiB"


def kibibytes(size: float) -> str:
    """Formats bytes in KiB."""
    return f"{size / 2**10:.1f} KiB"
