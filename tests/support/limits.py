"""The bounds of a server as it is by default."""

from harmony_server.operations.limits import Limits
from harmony_server.settings import Settings


def limits(**settings: object) -> Limits:
    """Returns fresh bounds; `settings` are those that are not the default."""
    return Limits.from_settings(Settings.model_validate(settings))
