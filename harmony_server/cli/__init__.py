"""The command `harmony-server`."""

try:
    from .app import main
except ModuleNotFoundError as error:
    if error.name != "click":
        raise
    # Installing the client alone installs the command, too.
    raise SystemExit(
        "harmony-server needs the server's dependencies: pip install 'harmony-sidecar[server]'"
    ) from None

__all__ = ["main"]
