"""Builds sampling constraints, within limits and with a cache."""

from __future__ import annotations

from collections.abc import Callable

from .. import bounds, core
from ..core.constraints import (
    ConstraintFormat,
    SamplingConstraint,
    SamplingConstraintOptions,
    build_sampling_constraint,
)
from ..core.errors import ConstraintError, ConstraintLimitError
from ..core.render_cache import RenderCache
from .abandonment import stop_if_abandoned
from .errors import invalid_field, limit_exceeded
from .limits import Limits


class ConstraintBuilder:
    """Builds sampling constraints. Thread-safe.

    Args:
        encoding: The encoding.
        limits: The limits of each request.
    """

    def __init__(self, encoding: core.HarmonyEncoding, limits: Limits) -> None:
        self._encoding = encoding
        self._limits = limits
        self._cache: RenderCache[bytes] = RenderCache(bounds.CONSTRAINT_CACHE_BYTES)

    def recall(self, key: bytes) -> bytes | None:
        """Returns a packed constraint that was built before."""
        return self._cache.get_all([key])[0]

    def build(
        self,
        key: bytes,
        conversation: core.Conversation,
        constraint_format: ConstraintFormat,
        options: SamplingConstraintOptions,
        pack: Callable[[SamplingConstraint], bytes],
    ) -> bytes:
        """Builds a constraint, and returns it packed.

        Args:
            key: Contains everything that the constraint depends on.
            conversation: The conversation; only its tools count.
            constraint_format: The format.
            options: What the turn may be.
            pack: Packs a constraint.

        Raises:
            RequestError: INVALID_FIELD, or LIMIT_EXCEEDED.
            AbandonedError: The caller has gone.
        """
        self._limits.check_tokens(len(options.prefill), "options.prefill")
        try:
            constraint = build_sampling_constraint(
                conversation,
                constraint_format,
                options,
                encoding=self._encoding,
                max_bytes=self._limits.constraint_bytes,
                checkpoint=stop_if_abandoned,
            )
        except ConstraintError as error:
            raise invalid_field(error.field, str(error)) from None
        except ConstraintLimitError as error:
            raise limit_exceeded(error.limit, error.maximum, "conversation") from None
        packed = pack(constraint)
        self._cache.put(key, packed, len(key) + len(packed))
        return packed
