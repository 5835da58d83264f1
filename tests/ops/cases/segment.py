"""Reductions over segments, counting."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, positive, real

_SORTED = np.array([0, 0, 1, 3, 3], np.int32)
_UNSORTED = np.array([3, 0, -1, 0, 1], np.int32)
_COVERING = np.array([2, 0, -1, 0, 1], np.int32)
_ZEROS = np.array([[0.0, 2.0], [3.0, 0.0], [1.0, 5.0], [0.0, 4.0], [0.0, 6.0]], np.float32)
_CLASSES = np.array([1, 0, 3, 3, 1], np.int32)

CASES = [
    *(
        Case(f, real(5, 2), _SORTED, dtypes=["float64", "bfloat16", "int32"])
        for f in (F.segment_sum, F.segment_mean, F.segment_max, F.segment_min)
    ),
    Case(F.segment_prod, real(5, 2), _SORTED),
    Case(F.segment_prod, _ZEROS, _SORTED, id="segment_prod-zeros"),
    *(
        Case(f, real(5, 2), _COVERING, 3, dtypes=["float64", "bfloat16", "int32"])
        for f in (F.unsorted_segment_sum, F.unsorted_segment_max, F.unsorted_segment_min)
    ),
    *(
        Case(f, real(5, 2), _UNSORTED, 5, grad=(), dtypes=["int32"], id=f"{f.__name__}-absent")
        for f in (F.unsorted_segment_max, F.unsorted_segment_min)
    ),
    *(Case(f, real(5, 2), _UNSORTED, np.int32(5) * np.ones((), np.int32), id=f"{f.__name__}-count")
      for f in (F.unsorted_segment_sum, F.unsorted_segment_mean)),
    Case(F.unsorted_segment_prod, real(5, 2), _UNSORTED, 5),
    Case(F.unsorted_segment_prod, _ZEROS, _UNSORTED, 5, id="unsorted_segment_prod-zeros"),
    *(Case(f, real(5, 2), _UNSORTED, 5) for f in (F.unsorted_segment_mean, F.unsorted_segment_sqrt_n)),
    Case(F.unsorted_segment_sum, real(2, 3, 4), ints(2, 3, low=-1, high=3), 3, id="unsorted_segment_sum-rank2"),
    Case(F.bincount, _CLASSES),
    Case(F.bincount, _CLASSES, weights=positive(5), grad=(), minlength=6, id="bincount-weights"),
    Case(F.bincount, _CLASSES, maxlength=2, dtype="int64", id="bincount-maxlength"),
    Case(F.bincount, np.stack([_CLASSES, _CLASSES[::-1]]), axis=-1, binary_output=True, id="bincount-rows"),
    Case(F.confusion_matrix, _CLASSES, _SORTED, num_classes=4),
    Case(F.confusion_matrix, _CLASSES, _SORTED, weights=positive(5), dtype="float32", grad=(), id="confusion-weights"),
    Case(F.histogram_fixed_width, real(20), [-2.0, 2.0], nbins=5, grad=()),
    Case(F.histogram_fixed_width_bins, real(2, 5), [-2.0, 2.0], nbins=5, grad=()),
    Case(F.approx_max_k, real(4, 5), 2, needs="rank"),
    Case(F.approx_min_k, real(4, 5), 2, reduction_dimension=0, needs="rank"),
    Case(F.in_top_k, np.array([1, 0, 7], np.int32), real(3, 4), k=2, grad=()),
]  # fmt: skip
