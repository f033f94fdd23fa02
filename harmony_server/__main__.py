"""Makes `python -m harmony_server` the command `harmony-server`."""

from .cli import main

main(prog_name="harmony-server")
