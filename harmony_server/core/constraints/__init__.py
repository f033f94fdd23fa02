"""Sampling constraints: grammars with which a sampler cannot write malformed harmony.

A conversation's tools become one tree (`turn`), which is printed in the format of each engine.
"""

from .build import build_sampling_constraint
from .options import (
    ConstraintFormat,
    ConstraintLevel,
    ConstraintNotice,
    HeaderForms,
    NoticeReason,
    ReasoningMode,
    SamplingConstraint,
    SamplingConstraintOptions,
    TokenAutomaton,
    ToolChoiceMode,
)

__all__ = [
    "ConstraintFormat",
    "ConstraintLevel",
    "ConstraintNotice",
    "HeaderForms",
    "NoticeReason",
    "ReasoningMode",
    "SamplingConstraint",
    "SamplingConstraintOptions",
    "TokenAutomaton",
    "ToolChoiceMode",
    "build_sampling_constraint",
]
