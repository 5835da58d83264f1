"""Expressions over `keras`, `ops`, `random` and a few arrays, whose values are compared with Keras'."""

import numpy as np

NAMES = {
    "np": np,
    "x": (np.arange(12, dtype="float32").reshape(3, 4) - 5.5) / 3,
    "y": (np.arange(12, dtype="float32").reshape(3, 4)[::-1] + 1) / 4,
    "v": np.array([-2.0, -0.5, 0.0, 0.5, 1.0, 3.0], "float32"),
    "i": np.array([3, 1, 2, 0, 7], "int32"),
    "b": np.array([[True, False], [True, True]]),
    "square": np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], "float32"),
    "t": np.arange(24, dtype="float32").reshape(2, 3, 4),
    "p": np.array([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]], "float32"),
    "nans": np.array([1.0, np.nan, -2.0, 4.0, np.nan, 0.5], "float32"),
    "bad": np.array([np.inf, -np.inf, np.nan, 1.0], "float32"),
    "tall": np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 1.0], [2.0, 0.3, 1.0], [1.0, 1.0, 3.0]], "float32"),
    "wave": np.sin(np.arange(32, dtype="float32") * 0.7).reshape(1, 32),
    "image": np.cos(np.arange(96, dtype="float32") * 1.3).reshape(1, 4, 6, 4),
    "photo": (0.5 + 0.5 * np.sin(np.arange(126, dtype="float32") * 0.9)).reshape(1, 6, 7, 3),
    "heads": np.sin(np.arange(48, dtype="float32") * 0.37).reshape(2, 3, 2, 4),
    "logits": np.sin(np.arange(56, dtype="float32") * 1.7).reshape(2, 7, 4) * 2,
    "boxes": np.array([[1, 2, 5, 7], [0, 1, 3, 2], [-2, 4, 2, 30], [-1, -1, -1, -1]], "float32"),
    "onehot": np.array([[0, 1, 0], [1, 0, 0]], "float32"),
}

_ACTIVATIONS = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid
log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax
squareplus tanh tanh_shrink""".split()

_INITIALIZERS = """GlorotUniform(seed=1) GlorotNormal(seed=2) HeNormal(seed=3) HeUniform(seed=4) LecunNormal(seed=5)
LecunUniform(seed=6) RandomNormal(seed=7) RandomUniform(seed=8) TruncatedNormal(seed=9) Zeros() Ones() Constant(0.3)
VarianceScaling(2.0,'fan_out','untruncated_normal',seed=10) Orthogonal(seed=11) Orthogonal(gain=2.0,seed=12)""".split()

_UNARY = """abs arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh exp exp2 expm1 floor isfinite isinf isnan log
log10 log1p log2 logical_not negative reciprocal round rsqrt sign sin sinh sqrt square tan tanh erf""".split()

_BINARY = """add subtract multiply divide true_divide floor_divide mod maximum minimum power equal not_equal less
less_equal greater greater_equal logical_and logical_or logical_xor arctan2 logaddexp divide_no_nan""".split()

_OPS = """
sum(x) | sum(x, axis=0) | sum(b, axis=1) | mean(x, axis=-1, keepdims=True) | mean(i) | var(x, axis=0) | std(x) | max(x, axis=1)
min(x, initial=-9.0) | prod(y, axis=0) | all(b, axis=0) | any(b) | argmax(x, axis=1) | argmin(x) | argmax(x, axis=0, keepdims=True)
cumsum(x, axis=1) | cumprod(y, axis=0) | count_nonzero(i) | average(x, axis=0, weights=np.array([1.0, 2.0, 3.0])) | median(x, axis=1)
median(v) | logsumexp(x, axis=1) | norm(x) | norm(x, axis=1, ord=1) | reshape(x, (4, 3)) | reshape(x, (-1, 2)) | ravel(x) | transpose(t)
transpose(t, axes=(1, 0, 2)) | expand_dims(x, 1) | squeeze(np.ones((2, 1, 3))) | swapaxes(t, 0, 2) | moveaxis(t, 0, -1)
concatenate([x, y], axis=1) | stack([x, y], axis=1) | hstack([x, y]) | vstack([x, y]) | append(x, y) | tile(x, (2, 1)) | repeat(x, 2, axis=1)
flip(x) | flip(x, axis=1) | roll(x, 2) | roll(x, 1, axis=0) | pad(x, ((1, 0), (0, 2))) | pad(x, ((1, 1), (1, 1)), mode='reflect')
take(x, [0, -1], axis=1) | take(v, i[:3]) | take_along_axis(x, np.array([[0], [1], [3]]), axis=1) | sort(y, axis=0) | argsort(v)
where(x > 0, x, 0.0) | clip(x, -1, 1) | diff(v) | digitize(v, [0.0, 1.0]) | bincount(i) | one_hot(i, 4) | multi_hot(i[:3], 5)
matmul(x, y.T) | matmul(t, np.ones((4, 2), 'float32')) | matmul(v, v) | dot(x, y.T) | tensordot(x, y, axes=2)
inner(x, y) | outer(v, v) | vdot(x, y) | einsum('ij,kj->ik', x, y) | diag(v) | diagonal(square) | trace(square) | tril(square) | triu(square, 1)
zeros((2, 3)) | ones((2,), dtype='int32') | full((2, 2), 7) | eye(3) | eye(2, 3, k=1) | arange(5) | arange(1, 2, 0.25) | linspace(0, 1, 5)
linspace(0, 1, 4, endpoint=False) | zeros_like(x) | ones_like(i) | full_like(x, 2) | top_k(x, 2)[0] | in_top_k(np.array([0, 1, 3]), x, 2)
segment_sum(v, np.array([0, 0, 1, 1, 2, 2]), 3) | cast(x, 'int32') | nan_to_num(np.array([np.nan, 1.0], 'float32')) | isclose(x, x + 1e-9)
add(i, 1.5) | add(i, 1) | multiply(b, 2) | divide(i, 2) | maximum(i, 2.5) | power(i, 2) | sum(np.array([1, 2], 'int8')) | mean(b)
softmax(x, axis=None) | softmax(t, axis=(1, 2)) | normalize(x, axis=1) | normalize(x, axis=0, order=1) | moments(x, axes=[0])[1]
categorical_crossentropy(onehot, p) | sparse_categorical_crossentropy(np.array([1, 0]), p) | binary_crossentropy(onehot, p)
categorical_crossentropy(onehot, p, from_logits=True) | binary_crossentropy(onehot, p, from_logits=True) | glu(x) | threshold(x, 0.2, -1.0)
scatter(np.array([[0], [2]]), np.array([1.0, 2.0], 'float32'), (4,)) | slice(x, (1, 1), (2, 2)) | slice_update(x, (1, 1), np.zeros((2, 2), 'float32'))
scatter_update(v, np.array([[1], [2]]), np.array([9.0, 8.0], 'float32')) | get_item(t, (slice(None), 1)) | unstack(x, axis=0)[1] | split(x, 2, axis=1)[1]
split(x, [1, 3], axis=1)[1] | meshgrid(v[:2], v[:3])[0] | tri(3) | cross(np.array([1.0, 0, 0]), np.array([0.0, 1, 0])) | unstack(t, axis=1)[0]
allclose(x, x + 1e-9) | angle(np.array([1 + 1j, -2j], 'complex64')) | angle(v) | argpartition(v, 2)[2] | array_split(v, 4)[1] | array_split(x, 2, axis=1)[0] | bartlett(6) | blackman(6)
hamming(6) | hanning(6) | kaiser(6, 4.0) | bitwise_left_shift(i, 2) | left_shift(i, i) | right_shift(i, 1) | bitwise_right_shift(i, 1) | bitwise_invert(i) | cbrt(v) | cdist(x, y) | cholesky(square) | cholesky(square, upper=True)
cholesky_inverse(np.linalg.cholesky(square)) | conjugate(np.array([1 + 1j], 'complex64')) | copy(x) | corrcoef(x) | correlate(v, v[:3]) | correlate(v, v[:3], mode='same') | correlate(v, v[:4], mode='full')
deg2rad(v) | rad2deg(v) | rad2deg(i) | det(square) | diagflat(x[:2]) | diagflat(v[:2], k=1) | dsplit(t, 2)[1] | hsplit(x, 2)[0] | vsplit(x, 3)[1] | hsplit(v, 3)[1] | dstack([x, y]) | dstack([v, v])
eigh(square)[0] | empty_like(x) * 0 | erfc(v) | extract_sequences(v, 3, 2) | fabs(i) | fft((x, y)) | fft2((x, y)) | ifft2((x, y)) | rfft(x) | rfft(x, 6) | irfft((x, y)) | irfft((x, y), 5)
stft(wave, 8, 4, 8) | stft(wave, 6, 3, 8, window='hamming', center=False) | stft(wave, 8, 4, 8, window=None) | istft(ops.stft(wave, 8, 4, 8), 8, 4, 8) | istft(ops.stft(wave, 8, 4, 8), 8, 4, 8, length=30)
fliplr(x) | flipud(x) | fmax(nans, v) | fmin(nans, v) | fmod(v, 0.7) | fmod(i, 2) | fmod((i - 3).astype('int8'), np.int8(-2)) | fmod(i.astype('uint8'), np.uint8(4)) | fmod(i.astype('int8'), 2) | soft_shrink(i - 2) | soft_shrink(b) | gcd(i, 6) | lcm(i, 6) | geomspace(1, 1000, 4) | geomspace(-2.0, -16.0, 3, endpoint=False) | logspace(0, 2, 5) | logspace(0, 2, 3, base=2)
heaviside(v, 0.5) | histogram(x[0], 4) | histogram(v, 3, range=(-1.0, 2.0)) | hypot(v, 2.0) | i0(v) | inv(square) | isin(i, np.array([1, 7], 'int32')) | isin(i, np.array([1], 'int32'), invert=True) | isneginf(bad) | isposinf(bad) | isreal(v)
jvp(lambda a: a**2, (ops.array(v),), (ops.array(v),)) | kron(square, np.eye(2, dtype='float32')) | kron(v[:2], x) | ldexp(v, i[:3].repeat(2)) | logaddexp2(v, 1.0) | logdet(square) | slogdet(square) | lstsq(tall, v[:4]) | lstsq(tall, x.T + square[0])
lu_factor(square) | matrix_rank(square) | pinv(tall) | abs(ops.qr(tall)[1]) | solve(square, v[:3]) | solve(square, square) | solve_triangular(square, v[:3], lower=True) | solve_triangular(square, square) | svd(tall, compute_uv=False)
norm(square, ord='fro') | norm(square, ord='nuc') | norm(square, ord=2, axis=(0, 1)) | norm(square, ord=1, axis=(0, 1), keepdims=True) | norm(t, axis=(0, 2)) | norm(v, ord=3) | norm(v, ord=np.inf)
nanargmax(nans) | nanargmin(nans) | nancumprod(nans) | nancumsum(nans) | nanmax(nans) | nanmin(nans) | nanmean(nans) | nanmedian(nans) | nanprod(nans) | nansum(nans) | nanstd(nans) | nanvar(nans, keepdims=True)
nanquantile(nans, 0.3) | nanpercentile(nans, [20.0, 50.0]) | percentile(x, 30.0, axis=1) | quantile(x, [0.2, 0.7], axis=0) | quantile(x, 0.4, method='nearest') | quantile(x, 0.4, axis=1, method='lower', keepdims=True)
quantile(x, 0.45, method='higher') | quantile(x, 0.45, method='midpoint') | quantile(t, 0.3, axis=(0, 2)) | ptp(x, axis=1) | searchsorted(np.sort(v), np.array([0.2, 5.0], 'float32')) | searchsorted(v, v, side='right')
select([x > 1, x < -1], [x, -x], 9.0) | signbit(v) | sinc(v) | switch(1, [lambda a: a, lambda a: -a], v) | trapezoid(v) | trapezoid(x, dx=0.5, axis=0) | trapezoid(v, x=v**2) | trunc(y * 3 - 2) | nextafter(v, 4.0)
unique(i) | unique(np.array([3, 1, 3, 2], 'int32'), return_inverse=True, return_counts=True, return_index=True) | unique(np.array([3, 1, 3], 'int32'), size=4, fill_value=0) | unique(np.array([[1, 2], [1, 2], [0, 3]], 'int32'), axis=0)
unravel_index(np.array([5, 7], 'int32'), (3, 4)) | vander(v) | vander(v, 3, increasing=True) | view(v, 'int32') | view(v, 'int64') | view(i, 'uint8') | rot90(x) | rot90(square, 2) | rot90(x, 3) | rot90(t, axes=(1, 2))
rearrange(t, 'a (b c) d -> (a d) c b', c=3) | view_as_complex(x[:, :2]) | view_as_real(np.array([1 + 2j], 'complex64')) | depth_to_space(image, 2) | space_to_depth(image, 2) | unfold(np.transpose(image, (0, 3, 1, 2)), 2, stride=2)
unfold(np.transpose(image, (0, 3, 1, 2)), (3, 2), padding=1, dilation=2) | fold(ops.unfold(np.transpose(image, (0, 3, 1, 2)), 3, padding=1), (4, 6), 3, padding=1) | adaptive_average_pool(ops.array(image), (2, 4)) | adaptive_max_pool(ops.array(image), 3)
adaptive_average_pool(ops.array(image[:, 0]), 4) | nn.polar(v, v) | psnr(x, y, 1.0) | dot_product_attention(heads, heads, heads) | dot_product_attention(heads, heads, heads, is_causal=True) | dot_product_attention(np.tile(heads, (1, 1, 2, 1)), heads, heads, scale=0.3, bias=np.ones((1, 1, 3, 3), 'float32'))
ctc_loss(np.array([[1, 2, 2], [3, 1, 0]]), logits, np.array([3, 2]), np.array([7, 5])) | ctc_decode(logits, np.array([7, 5])) | ctc_decode(logits, np.array([7, 7]), strategy='beam_search', top_paths=2, beam_width=10)
ctc_decode(logits, np.array([7, 5]), merge_repeated=False, mask_index=3) | segment_min(v, np.array([0, 0, 1, 1, 2, 2]), 3) | segment_prod(v, np.array([0, 0, 1, 1, 2, 2]), 3) | segment_max(v, np.array([0, 0, 1, 1, 2, 2]), 3)
scan(lambda c, a: (c + a, c * a), np.float32(1.0), v) | scan(lambda c, a: (c + a, c * a), np.float32(1.0), v, reverse=True) | associative_scan(lambda a, b: a * 0.5 + b, v) | associative_scan(lambda a, b: a + b, v, reverse=True)
associative_scan(lambda a, b: a + b, x, axis=1) | while_loop(lambda a: a < 10, lambda a: a * 2, 3) | fori_loop(0, 4, lambda k, a: a + k, 1) | map(lambda a: a * 2, v) | vectorized_map(lambda a: ops.sum(a), x) | cond(True, lambda: 1.0, lambda: 2.0)
image.resize(photo, (3, 5)) | image.resize(photo, (8, 4), interpolation='nearest') | image.resize(photo, (4, 4), crop_to_aspect_ratio=True)
image.resize(photo, (9, 9), interpolation='bicubic') | image.resize((photo * 255).astype('uint8'), (3, 3)) | image.rgb_to_grayscale(photo) | image.rgb_to_hsv(photo) | image.hsv_to_rgb(photo) | image.pad_images(photo, 1, 2, target_height=8, target_width=9)
image.crop_images(photo, 1, 1, target_height=3, target_width=2) | image.affine_transform(photo, np.array([[0.9, 0.1, 0.5, -0.1, 1.1, 0.2, 0, 0]], 'float32')) | image.affine_transform(photo[0], np.array([1, 0.3, 0, 0, 1, -1, 0, 0], 'float32'), 'nearest', 'reflect')
image.extract_patches(photo, 2) | image.extract_patches(photo, (2, 3), strides=1, padding='same') | image.gaussian_blur(photo) | image.sobel_edges(photo) | image.ssim(photo, photo * 0.9, filter_size=3)
median(t, axis=(0, 1)) | cross(v[:2], v[2:4]) | cross(x[:, :3], y[:, :3], axis=1) | average(x, axis=1, weights=y) | multi_hot(i[:3], num_classes=4) | floor_divide(i, 2) | mod(i, 3) | trace(t, axis1=1, axis2=2) | diagonal(t, 1, 1, 2)
hypot(i, i.astype("int64")) | heaviside(i, i.astype("int64")) | keras.losses.MeanSquaredError()(x[:0], x[:0]) | keras.losses.BinaryCrossentropy(reduction="sum")(p[:0], p[:0])
"""

_BOXES = """
*convert_format(boxes, 'xyxy', '{0}', 20, 16) | *convert_format(boxes, '{0}', 'xyxy', 20, 16)
convert_format(boxes.astype('int32'), 'rel_xywh', 'rel_yxyx', 20, 16) | sorted(convert_format({'boxes': boxes, 'labels': i}, 'xyxy', 'xywh').items())
sorted(clip_to_image_size({'boxes': boxes, 'labels': i[:4]}, 6, 4).items()) | sorted(clip_to_image_size({'boxes': boxes / 5}, bounding_box_format='rel_xyxy').items())
crop(boxes, 1, 2, 4, 3) | pad(boxes[None], 1, 2) | affine_transform(boxes[None], np.array([30.0], 'float32'), np.array([0.2], 'float32'), np.array([-0.3], 'float32'), np.array([1.5], 'float32'), np.array([10.0], 'float32'), np.array([-5.0], 'float32'), 20, 16)
affine_transform(boxes[None], np.array([30.0], 'float32'), np.array([0.1], 'float32'), np.array([0.0], 'float32'), np.array([1.0], 'float32'), np.array([0.0], 'float32'), np.array([0.0], 'float32'), 20, 16, 0.2, 0.7)
compute_iou(boxes, boxes[:3] + 1, 'xyxy') | compute_iou(boxes[None], boxes[None, :2], 'xywh') | compute_iou(boxes[None], boxes[:2], 'center_xywh') | compute_iou(boxes, boxes + 1, 'yxyx', use_masking=True) | compute_iou(boxes / 8, boxes / 9, 'rel_xyxy', image_shape=(20, 16, 3))
compute_ciou(boxes[:3], boxes[:3] + 1, 'xyxy') | compute_ciou(boxes[:3], boxes[1:], 'center_xywh')
encode_box_to_deltas(boxes[:3], boxes[:3] + 1, 'xyxy', 'xyxy') | encode_box_to_deltas(boxes[:3], boxes[None, :3] + 1, 'xywh', 'rel_xyxy', 'center_xywh', [0.1, 0.1, 0.2, 0.2], (20, 16, 3))
decode_deltas_to_boxes(boxes[:3], boxes[:3] / 9, 'xyxy', 'xywh') | decode_deltas_to_boxes(boxes[:3], boxes[None, :3] / 9, 'xywh', 'rel_xyxy', 'center_xywh', [0.1, 0.1, 0.2, 0.2], (20, 16, 3)) | decode_deltas_to_boxes({1: boxes[:3]}, {1: boxes[:3] / 9}, 'xyxy', 'xywh')[1]
"""
_BOX_FORMATS = "yxyx xywh center_xywh center_yxhw rel_xyxy rel_yxyx rel_xywh rel_center_xywh".split()


def _of_boxes():
    """The calls over bounding boxes; those with a star for every format."""
    for call in (part for line in _BOXES.strip().splitlines() for part in line.split(" | ")):
        for name in _BOX_FORMATS if call.startswith("*") else [""]:
            made = call.replace("{0}", name).removeprefix("*")
            head, _, inner = made.partition("sorted(")
            yield f"sorted(keras.utils.bounding_boxes.{inner}" if inner else f"keras.utils.bounding_boxes.{head}"


EXPRESSIONS = [
    *_of_boxes(),
    *(f"keras.activations.{name}(v)" for name in _ACTIVATIONS if "softmax" not in name and name != "sparsemax"),
    *(f"keras.activations.{name}(x)" for name in ("softmax", "log_softmax")),
    "keras.activations.relu(v, negative_slope=0.1, max_value=2.0, threshold=0.6)",
    *(f"keras.initializers.{name}((3, 4))" for name in _INITIALIZERS),
    "keras.initializers.GlorotUniform(seed=1)((2, 3, 4, 5))",
    "keras.initializers.Orthogonal(seed=1)((2, 3))",
    "keras.initializers.Identity(gain=2.0)((2, 3))",
    *(f"keras.regularizers.{name}(x)" for name in ("L1(0.1)", "L2(0.1)", "L1L2(0.1, 0.2)", "OrthogonalRegularizer(0.1)")),
    *(f"keras.constraints.{name}(x)" for name in ("MaxNorm(1.0)", "NonNeg()", "UnitNorm(axis=1)", "MinMaxNorm(0.5, 1.0, 0.7)")),
    *(f"ops.{name}(y)" for name in _UNARY),
    *(f"ops.{name}(x, y)" for name in _BINARY),
    *(part.strip() if part.strip().startswith("keras.") else f"ops.{part.strip()}" if "(" in part else part for line in _OPS.strip().splitlines() for part in line.split(" | ")),
    *(f"random.{name}" for name in (
        "normal((2, 3), seed=5)", "uniform((2, 3), 1.0, 2.0, seed=5)", "truncated_normal((2, 3), seed=5)",
        "randint((6,), 0, 100, seed=5)", "dropout(np.ones((3, 4), 'float32'), 0.4, seed=5)", "shuffle(v, seed=5)",
        "categorical(np.log(p), 5, seed=5)", "gamma((3,), 2.0, seed=5)",
    )),
    "[keras.backend.result_type(a, b) for a in ('int32', 'uint8', 'float16', 'bool', float, int) for b in ('int64', 'bfloat16', 'float32', 'int8', int)]",
    "[keras.random.SeedGenerator(3).next(), keras.random.SeedGenerator(3).next(ordered=False)]",
]  # fmt: skip
