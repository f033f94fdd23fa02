"""Operations as a server has by default, in this process."""

from harmony_server import core
from harmony_server.operations.limits import Limits
from harmony_server.operations.operations import Operations
from harmony_server.service.unary import TOKEN_PACKING
from harmony_server.settings import Settings


def limits(**settings: object) -> Limits:
    """Returns new limits; `settings` replace defaults."""
    return Limits.from_settings(Settings.model_validate(settings))


def operations(render_cache_bytes: int = 0) -> Operations:
    """Returns new operations with the default limits."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    return Operations(encoding, limits(), TOKEN_PACKING, render_cache_bytes=render_cache_bytes)
