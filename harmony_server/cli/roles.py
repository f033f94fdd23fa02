"""The roles, by the names that the commands take."""

from typing import Final

# Spelled out: the core would be imported even for --help.
ROLES: Final = ("user", "assistant", "system", "developer", "tool")
