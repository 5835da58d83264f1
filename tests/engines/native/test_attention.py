"""Attention becomes one kernel forward and one backward, whatever the layout and the masks, and means what it did."""

import numpy as np
import pytest

from duoflow import keras
from duoflow.core.autodiff import GradientTape
from duoflow.core.late import F
from duoflow.core.switches import switches
from duoflow.engines.native import engine
from tests.engines.agreement import agree, trace
from tests.engines.random_shapes import with_gradient

FUSED, WITH_GRADIENT = ["Attention"], ["Attention", "AttentionGradient"]


def real(*shape, dtype=np.float32):
    return np.random.default_rng(shape).normal(size=shape).astype(dtype)


def found(kernels):
    """The attentions among the kernels, and whatever is left of a softmax."""
    ops = [op for row in kernels for op in row["ops"]]
    return [op for op in ops if op.startswith("Attention") or op == "Exp"]


def plain(q, k, v):
    return F.matmul(F.softmax(F.matmul(q, k, transpose_b=True)), v)


def heads(scores="bqhd,bkhd->bhqk", out="bhqk,bkhd->bqhd", change=lambda s: s):
    """Attention by einsum, with the scores changed before the softmax."""
    return lambda q, k, v, *rest: F.einsum(out, F.softmax(change(F.einsum(scores, q, k), *rest)), v)


def causal(s, far=-1e9):
    rows, columns = F.range(s.shape[-2]), F.range(s.shape[-1])
    allowed = F.expand_dims(rows, 1) >= F.expand_dims(columns, 0)
    return s + (1.0 - F.cast(allowed, s.dtype)) * far


def padded(s, lengths):
    keys = F.range(s.shape[-1])[None, :] < lengths[:, None]
    return F.where(keys[:, None, None, :], s, F.cast(-3e38, s.dtype))


# -- what is found -----------------------------------------------------------------------------------------------------

B, T, H, D = 2, 50, 3, 8
QKV = [real(B, T, H, D), real(B, 65, H, D) * 2, real(B, 65, H, 5)]
SELF = [real(B, T, H, D), real(B, T, H, D) * 2, real(B, T, H, D)]

LAYOUTS = {
    "heads inside": (heads(), QKV),
    "heads inside, keys first": (
        lambda q, k, v: F.einsum("acbe,aecf->abcf", F.softmax(F.einsum("aecd,abcd->acbe", k, q)), v), QKV
    ),
    "heads outside": (plain, [real(B, H, 50, D), real(B, H, 63, D), real(B, H, 63, 4)]),
    "one matrix": (plain, [real(50, D), real(63, D), real(63, 17)]),
    "keys as columns": (
        lambda q, k, v: F.matmul(F.softmax(F.matmul(q, k)), v), [real(3, 50, D), real(3, D, 48), real(3, 48, D)]
    ),
    "columns of Q spread": (heads("bqdh,bkhd->bhqk"), [real(B, T, D, H), *QKV[1:]]),
    "heads first": (heads("hbqd,bkhd->bhqk"), [real(H, B, T, D), *QKV[1:]]),
    "doubles": (heads(), [x.astype(np.float64) for x in QKV]),
    "several blocks": (plain, [real(300, 24), real(700, 24), real(700, 70)]),
    "few entries": (plain, [real(3, 150, 24), real(3, 270, 24), real(3, 270, 24)]),
}  # fmt: skip

CHANGES = {
    "scale": (lambda s: s * 0.125, []),
    "division": (lambda s: s / 3.0, []),
    "root of a size": (lambda s: s / F.sqrt(F.cast(F.shape(s)[-1], s.dtype)), []),
    "causal": (causal, []),
    "mask of keys": (padded, [np.array([3, 50], np.int32)]),
    "mask as in Keras": (lambda s, m: s + (1.0 - F.cast(m[:, None], s.dtype)) * -1e9, [real(B, T, T) > 0]),
    "bias of each head": (lambda s, bias: s + bias, [real(H, T, T)]),
    "chosen, else far": (lambda s, m: F.where(F.logical_not(m), s - 1e9, s), [real(B, 1, T, T) > 0]),
    "soft cap": (lambda s: F.tanh(s / 5.0) * 5.0, []),
    "infinitely far": (lambda s, m: F.where(m, s, F.cast(-np.inf, s.dtype)), [real(T, T) > -2]),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    function, arrays = LAYOUTS[layout]
    assert found(agree(function, *arrays, atol=1e-5)) == FUSED
    assert found(agree(with_gradient(function), *arrays, rtol=1e-4, atol=1e-4)) == WITH_GRADIENT


@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_scores(change):
    function, rest = CHANGES[change]
    assert found(agree(heads(change=function), *SELF, *rest, atol=1e-5)) == FUSED


@pytest.mark.parametrize("change", [c for c in CHANGES if c != "soft cap"])
def test_gradients_through_changes_of_scores(change):
    function, rest = CHANGES[change]

    def run(q, k, v):
        return heads(change=function)(q, k, v, *rest)

    assert found(agree(with_gradient(run), *SELF, rtol=1e-4, atol=1e-4)) == WITH_GRADIENT


@pytest.mark.parametrize("trained", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_gradients_of_some(trained):
    def run(*operands):
        with GradientTape() as tape:
            watched = [operands[i] for i in trained]
            tape.watch(watched)
            out = heads()(*operands)
        return out, *tape.gradient(out, watched, out * 2.0)

    assert found(agree(run, *QKV, rtol=1e-4, atol=1e-4)) == WITH_GRADIENT


def test_transposes_around_it_are_read_and_written_through():
    def split(x):
        return F.transpose(F.reshape(x, (B, T, H, D)), (0, 2, 1, 3))

    def run(x, y, z):
        out = plain(split(x), split(y), split(z))
        return F.reshape(F.transpose(out, (0, 2, 1, 3)), (B, T, H * D))

    arrays = [real(B, T, H * D) * scale for scale in (1, 2, 3)]
    kernels = agree(with_gradient(run), *arrays, rtol=1e-4, atol=1e-4)
    assert [op for row in kernels for op in row["ops"] if op in ("Transpose", *WITH_GRADIENT)] == WITH_GRADIENT


def test_transposes_between_two():
    def turn(x):
        return F.transpose(x, (0, 2, 1, 3))

    def run(x, y):
        return turn(plain(turn(turn(plain(x, y, y))), turn(turn(x)), turn(turn(turn(turn(y))))))

    def once(x, y):
        out = turn(plain(turn(x), turn(y), turn(y)))
        return plain(turn(out), turn(y), turn(y))

    arrays = [real(B, H, T, D), real(B, H, T, D) * 2]
    assert found(agree(with_gradient(run), *arrays, rtol=1e-4, atol=1e-3)).count("AttentionGradient") == 2
    arrays = [real(B, T, H, D), real(B, T, H, D) * 2]
    assert found(agree(with_gradient(once), *arrays, rtol=1e-4, atol=1e-3)).count("AttentionGradient") == 2


def test_the_same_tensor_thrice():
    def run(x):
        with GradientTape() as tape:
            tape.watch(x)
            out = plain(x, x, x)
        return out, tape.gradient(out, x, x)

    assert found(agree(run, real(2, 50, 16), rtol=1e-4, atol=1e-4)) == WITH_GRADIENT


LAYERS = {
    "MultiHeadAttention": (lambda: keras.layers.MultiHeadAttention(3, 8), {}),
    "causal": (lambda: keras.layers.MultiHeadAttention(3, 8), {"use_causal_mask": True}),
    "GroupQueryAttention": (lambda: keras.layers.GroupQueryAttention(8, 4, 2), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    make, options = LAYERS[name]
    layer, x = make(), real(2, 50, 16)
    layer(x, x)

    def run(x):
        with GradientTape() as tape:
            out = layer(x, x, **options)
        return out, *tape.gradient(out, layer.trainable_variables)

    assert found(agree(run, x, rtol=1e-3, atol=1e-4)) == WITH_GRADIENT


# -- what stays as it is -----------------------------------------------------------------------------------------------


def weights_too(q, k, v):
    p = F.softmax(F.matmul(q, k, transpose_b=True))
    return F.matmul(p, v), p


def trained_scale(q, k, v):
    with GradientTape() as tape:
        scale = F.reduce_mean(q)
        tape.watch(scale)
        out = F.matmul(F.softmax(F.matmul(q, k, transpose_b=True) * scale), v)
    return out, tape.gradient(out, scale)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (weights_too, (2, 50, 8)),
        (trained_scale, (2, 50, 8)),
        (plain, (2, 4, 8)),
        (with_gradient(plain), (2, 40, 8)),
        (plain, (2, 0, 8)),
    ],
    ids=["the probabilities are wanted", "the scores are", "few rows", "few rows and a gradient", "none"],
)
def test_others_stay_whole(function, shape):
    assert not any(
        op.startswith("Attention") for op in found(agree(function, *[real(*shape)] * 3, rtol=1e-4, atol=1e-4))
    )


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_rows_that_see_nothing_are_as_without_the_kernel():
    hidden = np.zeros((T, T), bool)
    hidden[3] = True
    for far, expected in ((-np.inf, np.nan), (-3e38, None)):
        run = heads(change=lambda s, m, far=far: F.where(m, F.cast(far, s.dtype), s))
        graph = trace(run, *SELF, hidden)
        out = engine.compile(graph).run([*SELF, hidden])[0]
        row = out[:, 3]
        np.testing.assert_allclose(row, np.full_like(row, expected) if expected else SELF[2].mean(1), atol=1e-5)


@pytest.mark.parametrize("where", [(0, 300), (1, 3), (2, 699)], ids=["q", "k", "v"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_infinities_and_nan_go_where_they_did(where, value):
    arrays = [real(400, 16), real(700, 16), real(700, 16)]
    operand, row = where
    arrays[operand][row, 2] = value
    agree(plain, *arrays, atol=1e-5)


HIDING = {
    "causal": causal,
    "causal, infinitely far": lambda s: causal(s, -1e38) * 10.0,
    "a window": lambda s: F.where(F.abs(F.range(s.shape[-2])[:, None] - F.range(s.shape[-1])) < 40, s, s - 1e9),
    "further is less": lambda s: s - F.cast(F.abs(F.range(s.shape[-2])[:, None] - F.range(s.shape[-1])), s.dtype),
    "only what comes": lambda s: F.where(F.range(s.shape[-2])[:, None] <= F.range(s.shape[-1]), s, s - 1e9),
    "but few keys": lambda s: F.where(F.range(s.shape[-1]) % 600 < 5, s, F.cast(-3e38, s.dtype)),
}  # fmt: skip


@pytest.mark.parametrize("mask", HIDING)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hidden_blocks_are_as_if_computed(mask, dtype):
    arrays = [real(2, 700, 16, dtype=dtype) for _ in range(3)]
    run = with_gradient(lambda q, k, v: F.matmul(F.softmax(HIDING[mask](F.matmul(q, k, transpose_b=True))), v))
    assert found(agree(run, *arrays, rtol=1e-4, atol=1e-4)) == WITH_GRADIENT


@pytest.mark.parametrize("operand", [0, 1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_masks_do_not_hide_what_is_no_number(operand, value):
    arrays = [real(600, 16), real(600, 16), real(600, 16)]
    arrays[operand][500, 3] = value
    agree(lambda q, k, v: F.matmul(F.softmax(causal(F.matmul(q, k, transpose_b=True))), v), *arrays, atol=1e-5)


def test_large_scores_do_not_overflow():
    agree(plain, real(40, 16) * 100, real(600, 16) * 100, real(600, 16), rtol=1e-4, atol=1e-4)


def test_the_number_of_threads_does_not_matter(monkeypatch):
    arrays = [real(2, 300, 16), real(2, 500, 16), real(2, 500, 16)]
    graph = trace(with_gradient(plain), *arrays)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(switches, "threads", count)
        results.append(engine.compile(graph).run(arrays))
    for result in results[1:]:
        for got, want in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(got, want)
