"""Which rendered tokens a model is trained on: samples, loss masks, labels and examples.

Above the core and below everything else.
"""

from .examples import Example, examples
from .labels import IGNORED_LABEL, labels
from .loss import loss_mask
from .policy import LossPolicy, TrainedMessages, TrainedTokens
from .samples import Sample, samples

__all__ = [
    "IGNORED_LABEL",
    "Example",
    "LossPolicy",
    "Sample",
    "TrainedMessages",
    "TrainedTokens",
    "examples",
    "labels",
    "loss_mask",
    "samples",
]
