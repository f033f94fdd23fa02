"""Stands in for torch, of which xgrammar's matcher needs the type of its masks alone."""

import numpy

int32 = numpy.int32
Tensor = LongTensor = FloatTensor = numpy.ndarray
tensor = numpy.array
full = numpy.full
