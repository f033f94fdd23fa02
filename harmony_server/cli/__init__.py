"""The command `harmony-server`."""

try:
    from .app import main
except ModuleNotFoundError as error:
    if error.name != "click":
        raise
    # The base install is the client alone, and brings the command nevertheless.
    raise SystemExit(
        "harmony-server needs the server's dependencies: pip install 'harmony-sidecar[server]'"
    ) from None

__all__ = ["main"]
