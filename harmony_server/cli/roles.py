"""The names of the roles, as options accept them."""

from typing import Final

# Spelled out: --help would be slow if it imported the core.
ROLES: Final = ("user", "assistant", "system", "developer", "tool")
