"""Calls of `tf.experimental.numpy`, as text: every name with operands of several dtypes."""

UNARY = (
    "abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh around cbrt ceil conj conjugate cos cosh deg2rad "
    "exp exp2 expm1 fabs fix floor imag iscomplex isfinite isinf isnan isneginf isposinf isreal log log10 log1p log2 "
    "logical_not negative positive rad2deg real reciprocal round sign signbit sin sinc sinh sqrt square tan tanh"
).split()
BINARY = (
    "add arctan2 divide divmod equal float_power floor_divide greater greater_equal heaviside hypot less less_equal "
    "logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod multiply nextafter not_equal power "
    "remainder subtract true_divide"
).split()
WHOLE = "bitwise_and bitwise_or bitwise_xor gcd lcm".split()
REDUCTIONS = (
    "all amax amin any argmax argmin average count_nonzero cumprod cumsum max mean min nanmean nanprod nansum prod ptp "
    "std sum var"
).split()
OPERANDS = {
    "f": "np.float32([0.5, 0.25, 0.75])",
    "d": "np.array([0.5, -2.0, np.inf])",
    "i": "np.int32([1, 2, 3])",
    "c": "np.complex64([1 + 2j, 0.5])",
}
PAIRS = (
    "f, 2", "f, 1.5", "i, 2", "i, 0.5", "i, f", "f, d", "np.int8([3, 5, 7]), i", "[1, 2, 3], [4, 6, 9]", "2, 3",
    "2.5, 1",
)  # fmt: skip
BITS = ("i, 2", "np.int8([3, 5, 6]), i", "[12, 8], [4, 6]", "np.array([True, False]), True")
REDUCED = ("m", "i", "np.int8([1, 2])", "[1, 2, 3]", "np.array([True, False])", "m, axis=0", "m, 1")
OF_COMPLEX = "abs angle conj imag real square exp isfinite iscomplex isreal negative sign".split()
KEEPING = "sum prod mean max min std var any all amax amin ptp nansum".split()
MATRIX = "np.arange(6.0).reshape(2, 3)"

SINGLE = """
tnp.bitwise_not(i)
tnp.bitwise_not(np.uint8([1, 255]))
tnp.add(True, False)
tnp.multiply(np.array([True]), True)
tnp.subtract(np.array([True]), False)
tnp.around(np.array([1.25, 2.675, -3.5]), 1)
tnp.around([15, 25], -1)
tnp.clip(i, 2, None)
tnp.clip(m, 1.5, 3)
tnp.clip(i, 1.5, 2.5)
tnp.clip(i, None, None)
tnp.isclose([1.0, 2.0], [1.0, 2.1])
tnp.allclose(f, f + 1e-9)
tnp.isclose([1, 2], [1, 3])
tnp.array_equal(i, [1, 2, 3])
tnp.array_equal([1], [1, 2])
tnp.isclose(np.array([np.nan]), np.array([np.nan]), equal_nan=True)
tnp.angle(c, deg=True)
tnp.iscomplexobj(c)
tnp.isrealobj(i)
tnp.isscalar(3)
tnp.isscalar(i)
tnp.isscalar(tnp.asarray(2))
tnp.array(1)
tnp.array(1.0)
tnp.array([1, 2.5])
tnp.array([[1], [2]], np.float32)
tnp.array(5, ndmin=2)
tnp.array(True)
tnp.asarray([tf.constant(1.0), tf.constant(2.0)])
tnp.asarray([tf.constant(1), 2.5])
tnp.asarray('a')
tnp.array(1j)
tnp.asarray(tf.constant([1, 2]), float)
tnp.asarray(i, np.int8)
tnp.asanyarray(f)
tnp.ascontiguousarray(3)
tnp.copy(i)
tnp.zeros(3)
tnp.zeros((2, 1), int)
tnp.ones([2], np.float32)
tnp.empty((1,), bool)
tnp.full((2, 2), 7)
tnp.full(2, [1.5, 2], np.float32)
tnp.zeros_like(i)
tnp.ones_like(m, np.int8)
tnp.full_like(i, 2.7)
tnp.full_like(m, 1, dtype=bool)
tnp.empty_like(f)
tnp.eye(3)
tnp.eye(2, 3, k=1)
tnp.eye(3, k=-1, dtype=np.int32)
tnp.identity(2)
tnp.tri(3)
tnp.tri(2, 4, k=1, dtype=np.int32)
tnp.arange(4)
tnp.arange(1, 4)
tnp.arange(1, 3, 0.5)
tnp.arange(3.0)
tnp.arange(5, 0, -2)
tnp.arange(3, dtype=np.float32)
tnp.arange(0, 3, 0)
tnp.linspace(0, 1, 5)
tnp.linspace(0, 1, 4, endpoint=False)
tnp.linspace(0.0, [1.0, 2.0], 3)
tnp.linspace(0, 10, 3, dtype=np.int32)
tnp.linspace(0, 1, 3, retstep=True)
tnp.linspace([0, 1], [4, 5], 3, axis=1)
tnp.logspace(0, 2, 3)
tnp.logspace(0, 3, 4, base=2)
tnp.geomspace(1, 1000, 4)
tnp.geomspace(1.0, 8.0, 3, endpoint=False)
tnp.meshgrid([1, 2], [3, 4, 5])
tnp.meshgrid([1, 2], [3.0], indexing='ij')
tnp.vander([1, 2, 3])
tnp.vander([1.5, 2.0], 3, increasing=True)
tnp.diag_indices(3)
tnp.shape(m)
tnp.size(m)
tnp.ndim(m)
tnp.reshape(m, (3, 2))
tnp.reshape(m, -1)
tnp.reshape(m, (3, 2), order='F')
tnp.ravel(m)
tnp.flatten(m, 'F')
tnp.transpose(m)
tnp.transpose(t, (1, 0, 2))
tnp.swapaxes(t, 0, 2)
tnp.moveaxis(t, 0, -1)
tnp.moveaxis(t, (0, 1), (1, 2))
tnp.expand_dims(i, 0)
tnp.squeeze(np.ones((1, 2, 1)))
tnp.squeeze(np.ones((1, 2, 1)), 0)
tnp.broadcast_to(i, (2, 3))
tnp.broadcast_arrays(i, m)
tnp.atleast_1d(3)
tnp.atleast_2d(i)
tnp.atleast_3d(i)
tnp.atleast_3d(m)
tnp.atleast_1d(1, i)
tnp.flip(m)
tnp.flip(m, 1)
tnp.flip(t, (0, 2))
tnp.flipud(m)
tnp.fliplr(m)
tnp.rot90(m)
tnp.rot90(m, 2)
tnp.rot90(m, 3)
tnp.rot90(t, -1, (1, 2))
tnp.roll(m, 1)
tnp.roll(m, 1, 1)
tnp.roll(m, (1, 2), (0, 1))
tnp.concatenate([i, f])
tnp.concatenate([m, m], 1)
tnp.concatenate([m, i], None)
tnp.stack([i, f])
tnp.stack([i, i], 1)
tnp.hstack([i, f])
tnp.hstack([m, m])
tnp.vstack([i, f])
tnp.dstack([i, i])
tnp.dstack([m, m])
tnp.append(i, [4.5])
tnp.append(m, m, 0)
tnp.split(m, 3, 1)
tnp.split(i, [1, 2])
tnp.hsplit(m, 3)
tnp.vsplit(m, 2)
tnp.dsplit(t, 2)
tnp.hsplit(np.arange(4), 2)
tnp.tile(i, 2)
tnp.tile(m, (2, 1))
tnp.tile(i, (2, 2))
tnp.tile(m, 2)
tnp.repeat(i, 2)
tnp.repeat(m, [1, 2], 0)
tnp.pad(i, 1, 'constant')
tnp.pad(m, ((1, 0), (0, 2)), 'constant', constant_values=9)
tnp.pad(i, (1, 2), 'reflect')
tnp.pad(i, 2, 'symmetric')
tnp.pad(i, 1, 'edge')
tnp.take(i, [0, 2, 9])
tnp.take(m, [1, 0], axis=1)
tnp.take(i, [-1, 4], mode='wrap')
tnp.take(m, 4)
tnp.take_along_axis(m, [[0, 2], [1, 1]], 1)
tnp.take_along_axis(m, [[0, 1, 0]], 0)
tnp.take_along_axis(m, [1, 0], None)
tnp.where(i > 1, i, 0.5)
tnp.where([True, False, True])
tnp.where(m > 2)
tnp.where(i, f, d)
tnp.nonzero(m)
tnp.nonzero(3)
tnp.select([i > 2, i > 1], [i, i * 10], -1)
tnp.select([i > 2], [f])
tnp.compress([True, False, True], i)
tnp.compress([False, True], m, 0)
tnp.ix_([0, 1], [2, 4])
tnp.ix_([True, False, True], [1])
tnp.sort([3, 1, 2])
tnp.sort(m[:, ::-1], 1)
tnp.sort(m[::-1], None)
tnp.argsort([3, 1, 2])
tnp.argsort(-m, axis=None)
tnp.argsort(i, kind='bogus')
tnp.diff([1, 4, 9, 16])
tnp.diff([1, 4, 9, 16], 2)
tnp.diff(m, axis=0)
tnp.diff(np.array([True, False, False]))
tnp.tril(m)
tnp.triu(m, 1)
tnp.tril(t, -1)
tnp.diag(i)
tnp.diag(i, 1)
tnp.diag(m)
tnp.diag(m, -1)
tnp.diagflat(m[:1], -1)
tnp.diagonal(m)
tnp.diagonal(t, 1, 1, 2)
tnp.diagonal(m, -1)
tnp.trace(m)
tnp.trace(t, 0, 1, 2)
tnp.trace(np.eye(3, dtype=np.int32), dtype=np.float32)
tnp.matmul(m, m.T)
tnp.matmul(i, m.T)
tnp.matmul(m, i)
tnp.matmul(i, i)
tnp.matmul(2, i)
tnp.dot(m, m.T)
tnp.dot(i, f)
tnp.dot(2, m)
tnp.dot(t, np.ones((4, 2)))
tnp.inner(m, m)
tnp.inner(i, 2)
tnp.outer(i, f)
tnp.outer(m, i)
tnp.vdot(c, c)
tnp.vdot(m, m)
tnp.tensordot(m, m, 2)
tnp.tensordot(m, m, ([0], [0]))
tnp.einsum('ij,kj->ik', m, m)
tnp.einsum('i,i', i, f)
tnp.kron(i, [1, 10])
tnp.kron(m, np.eye(2))
tnp.cross([1, 2, 3], [4, 5, 6])
tnp.cross([1, 2], [3, 4])
tnp.cross([1.0, 2], [3, 4, 5])
tnp.cross(t[..., :3], t[..., 1:4], axisc=0)
tnp.polyval([1, 2, 3], 2)
tnp.polyval([1.0, 0.5], i)
tnp.average(m, weights=m)
tnp.average(m, axis=1, weights=i)
tnp.average(i, returned=True)
tnp.var(i, ddof=1)
tnp.var(m, axis=0, dtype=np.float32)
tnp.sum(i, dtype=np.float32)
tnp.mean(i, dtype=np.float32)
tnp.cumsum(m, 1)
tnp.cumprod(i, dtype=np.float64)
tnp.nanmean(np.array([1, np.nan, 3]))
tnp.nansum(np.array([[1, np.nan], [np.nan, np.nan]]), axis=1)
tnp.nanprod(np.array([2, np.nan]))
tnp.mean(m, out=m)
tnp.result_type(i, 2.5)
tnp.result_type(f, 2.5)
tnp.result_type(np.int8, 'float32')
tnp.result_type(1, 2.0)
tnp.promote_types('int32', 'float32')
tnp.finfo(np.float32).max
tnp.iinfo(np.int8).max
tnp.issubdtype(np.float32, tnp.inexact)
tnp.pi
tnp.e
tnp.newaxis
tnp.inf
tnp.int_
tnp.float_
tnp.complex_
tnp.bool_
isinstance(tnp.asarray(1), tnp.ndarray)
tnp.random.rand(2, 3).shape
tnp.random.rand(2).dtype
tnp.random.randint(3, size=(2,)).dtype
tnp.random.randn().shape
tnp.random.uniform(0, [1, 2]).shape
tnp.random.poisson(3.0, (2,)).dtype
tnp.random.random((2,)).shape
tnp.random.standard_normal(3).shape
tnp.random.randint(2, 5, (3,), np.int8).dtype
""".strip().splitlines()

EXPRESSIONS = [
    *(f"tnp.{name}({operand})" for name in UNARY for operand in ("f", "i", "0.5", "d")),
    *(f"tnp.{name}(c)" for name in OF_COMPLEX),
    *(f"tnp.{name}({pair})" for name in BINARY for pair in PAIRS),
    *(f"tnp.{name}({pair})" for name in WHOLE for pair in BITS),
    *(f"tnp.{name}({operand})" for name in REDUCTIONS for operand in REDUCED),
    *(f"tnp.{name}(m, axis=1, keepdims=True)" for name in KEEPING),
    *SINGLE,
]  # fmt: skip


def described(text, space):
    """What an expression gives, as plain data: dtypes, shapes and values, or the type of its error."""
    try:
        return _plain(eval(text, dict(space)))
    except Exception as error:
        return f"raises {type(error).__name__}"


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "numpy") and hasattr(value, "shape"):
        array = value.numpy()
        return [array.dtype.name, list(array.shape), [str(v) for v in array.reshape(-1).tolist()]]
    return str(value)


def space_of(tf, tnp, np):
    """The names that expressions use."""
    space = {"tf": tf, "tnp": tnp, "np": np}
    space.update({name: eval(text, dict(space)) for name, text in OPERANDS.items()})
    return {**space, "m": eval(MATRIX, dict(space)), "t": np.arange(24).reshape(2, 3, 4)}
