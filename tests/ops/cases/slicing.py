"""Indexing, slices, padding, reversal and other arrangements."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, real

_X = real(4, 5, 6)
_S = np.s_
_KEYS = [
    _S[1], _S[-1], _S[1:3], _S[::2], _S[::-1], _S[3:0:-2], _S[..., 0], _S[:, 1:-1], _S[1, ..., 2], _S[None, 1, :, None],
    _S[:, ::-2, 1:5:3], _S[2:2], _S[-100:100], _S[1, 2, 3], _S[...], _S[:, None, ..., -1], _S[1:, :2, ::3],
]  # fmt: skip
_IMAGE = real(2, 4, 6, 3)
_PAIRS = [[1, 2], [0, 1]]


def _update(x, value):
    return F.tensor_strided_slice_update(x, [0, 1], [4, 5], [2, 2], value, begin_mask=1)


CASES = [
    *(Case(F.getitem, _X, key, needs="rank", id=f"getitem-{key}") for key in _KEYS),
    Case(lambda x, i: x[i], _X, np.array(2, np.int32), needs="rank", id="getitem-tensor"),
    Case(lambda x, i: x[:, i - 1 : i + 2, 0], _X, np.array(2, np.int64), needs="rank", id="getitem-tensor-slice"),
    Case(lambda x, m: x[m], real(3, 2), np.array([True, False, True]), needs="rank", id="getitem-mask"),
    Case(F.strided_slice, _X, [1, 0], [3, 5], id="strided_slice", needs="rank"),
    Case(_update, real(4, 5), real(2, 2, seed=1), id="tensor_strided_slice_update", needs="rank"),
    *(Case(F.slice, _X, b, s, id=f"slice-{b}-{s}") for b, s in (([0, 1, 2], [-1, 2, 3]), ([1, 0, 0], [1, 5, -1]))),
    Case(F.slice, real(5), np.array([1], np.int32), [2], needs="rank", id="slice-tensor"),
    Case(F.pad, real(2, 3), _PAIRS, dtypes=["int32", "bfloat16"], id="pad"),
    Case(F.pad, real(2, 3), _PAIRS, constant_values=7.5, id="pad-value"),
    Case(F.pad, real(2, 3), np.array(_PAIRS, np.int32), constant_values=real(), id="pad-tensors"),
    Case(F.pad, np.array([True]), [[1, 0]], id="pad-bool"),
    *(Case(F.pad, real(3, 4), [[1, 2], [0, 3]], m, needs="rank", id=f"pad-{m}") for m in ("REFLECT", "SYMMETRIC")),
    *(Case(F.reverse, _X, a, needs="rank", id=f"reverse-{a}") for a in ([0], [0, -1], [])),
    Case(F.reverse_sequence, real(3, 4, 2), np.array([1, 4, 0]), seq_axis=1, needs="rank", id="reverse_sequence"),
    Case(
        F.reverse_sequence,
        real(4, 3),
        np.array([3, 0, 2]),
        seq_axis=0,
        batch_axis=1,
        needs="rank",
        id="reverse_sequence-0",
    ),
    *(
        Case(F.roll, real(4, 3), s, a, needs="rank", id=f"roll-{s}-{a}")
        for s, a in ((1, 0), (-4, 1), ([1, 2], [0, 1]), (0, 0))
    ),
    *(
        # of a list, the gradient is one of slices, of unknown rank a tensor
        Case(F.repeat, real(2, 3), r, a, needs="rank" if isinstance(r, list) else "nothing", id=f"repeat-{r}-{a}")
        for r, a in ((2, 0), (3, 1), (2, None), ([1, 2], 0))
    ),
    Case(F.repeat, real(3), np.array([0, 2, 1], np.int32), id="repeat-tensor"),
    *(
        Case(F.meshgrid, real(2), real(3, seed=1), real(2, seed=2), indexing=i, id=f"meshgrid-{i}")
        for i in ("xy", "ij")
    ),
    Case(F.sequence_mask, np.array([[1, 3], [0, 2]]), id="sequence_mask"),
    Case(F.sequence_mask, np.array([1, 3]), 4, "float32", id="sequence_mask-maxlen"),
    Case(F.unravel_index, np.array([2, 5, 11]), [2, 2, 3], id="unravel_index"),
    Case(F.space_to_depth, _IMAGE, 2, needs="rank"),
    Case(F.space_to_depth, real(2, 3, 4, 6), 2, "NCHW", needs="rank", id="space_to_depth-NCHW"),
    Case(F.depth_to_space, real(2, 2, 3, 8), 2, needs="rank"),
    Case(F.space_to_batch, _IMAGE, [2, 3], [[1, 1], [0, 0]], id="space_to_batch"),
    Case(F.batch_to_space, real(6, 3, 2, 1), [2, 3], [[1, 0], [0, 2]], id="batch_to_space"),
    Case(F.required_space_to_batch_paddings, np.array([5, 7], np.int32), [2, 3], id="required_space_to_batch_paddings"),
    *(
        Case(
            F.extract_patches,
            real(1, 5, 6, 2),
            [1, 2, 3, 1],
            [1, 2, 1, 1],
            [1, r, 1, 1],
            p,
            needs="shape",
            id=f"extract_patches-{p}-{r}",
        )
        for p in ("VALID", "SAME")
        for r in (1, 2)
    ),
]
