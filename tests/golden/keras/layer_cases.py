"""The layers that are compared with Keras: how each is made, and the shapes of what it is called on.

`layer` is an expression over `layers`; `inputs` are shapes; `ints` gives integer inputs below that bound; `call` holds
arguments of the call; `spread` gives the inputs one by one, not as a list; `state` says that the call changes the
weights, which are then compared too; `given` is an expression for the inputs themselves; `adapt` one for what the layer
learns from first; `cell` says how many of the inputs behind the first are states of each cell; `batch`
fixes the batch size; `unsaved` marks what cannot be written to a file.
"""

from itertools import pairwise

import numpy as np


def filled(shape, seed):
    """Numbers in (0.05, 0.95) that any program can make again."""
    count = int(np.prod(shape))
    return (0.5 + 0.45 * np.sin(np.arange(count) * 0.7 + seed)).reshape(shape).astype("float32")


def inputs_of(case):
    """The inputs of a case."""
    if "given" in case:
        return [np.asarray(x) for x in eval(case["given"], {"np": np, "filled": filled})]
    if "ints" in case:
        return [(np.arange(int(np.prod(s))) * 7 % case["ints"]).reshape(s).astype("int32") for s in case["inputs"]]
    return [(2 * filled(s, 10 + i) - 1).astype("float32") for i, s in enumerate(case["inputs"])]


def adapted(layer, case):
    """The layer after it has learned what the case says."""
    if "adapt" in case:
        layer.adapt(eval(case["adapt"], {"np": np, "filled": filled}))
    return layer


def called(layer, case, inputs):
    """The layer called on the inputs of a case."""
    if "cell" in case:
        return layer(inputs[0], _states(inputs[1:], case["cell"]), **case.get("call", {}))
    arguments = inputs if case.get("spread") else inputs if len(inputs) == 1 else [inputs]
    return layer(*arguments, **case.get("call", {}))


def _states(tensors, counts):
    """States as cells take them: a list, or one for each of several cells."""
    if len(counts) == 1:
        return list(tensors)
    ends = np.cumsum([0, *counts])
    return [list(tensors[a:b]) for a, b in pairwise(ends)]


def masks_of(case):
    """A mask [batch, steps] for each input that may have one: floats with steps and features, or more axes."""
    inputs = inputs_of(case)
    if not differentiable(case) or "cell" in case or any(x.dtype.kind != "f" or x.ndim < 3 for x in inputs):
        return None
    masks = [filled(x.shape[:2], 30 + i) > 0.4 for i, x in enumerate(inputs)]
    for mask in masks:
        mask[:, 0] = True
    return masks


def symbolic_inputs(case, keras):
    """KerasTensors for the inputs of a case."""
    return [
        keras.Input(batch_shape=(case.get("batch"), *x.shape[1:]), dtype="string" if x.dtype.kind == "U" else x.dtype.name)
        for x in inputs_of(case)
    ]


def differentiable(case):
    """Whether a case computes floats from floats."""
    return "given" not in case and not any(name in case["layer"] for name in ("Discretization", "Lookup", "Hash", "Category"))


def trainable(case):
    """Whether a model can be made of a case's layer and trained."""
    return differentiable(case) and "cell" not in case and not case.get("unsaved")


def shadow(x, seed):
    """Two numbers that stand for an array: its length, and its product with one that any program can make."""
    x = np.asarray(x, np.float64)
    return [float(np.sqrt((x**2).sum())), float((x * (2 * filled(x.shape, seed) - 1)).sum())]


def _case(layer, *inputs, **more):
    return {"layer": f"layers.{layer}", "inputs": inputs, **more}


_ALL = [
    _case("Dense(3)", (2, 4)),
    _case("Dense(3, activation='relu', use_bias=False, name='d')", (2, 3, 4)),
    _case("Dense(2, kernel_regularizer='l2', bias_constraint='non_neg', activation='softmax')", (2, 4)),
    _case("EinsumDense('abc,cd->abd', output_shape=(None, 5), bias_axes='d')", (2, 3, 4)),
    _case("EinsumDense('...x,xy->...y', output_shape=5, bias_axes='y')", (2, 3, 4)),
    _case("EinsumDense('abc,cde->abde', output_shape=(3, 2, 5), bias_axes='de', activation='tanh')", (2, 3, 4)),
    _case("Activation('tanh')", (2, 3)),
    _case("Identity()", (2, 3)),
    _case("Dropout(0.5)", (2, 3)),
    _case("SpatialDropout1D(0.5)", (2, 3, 4)),
    _case("SpatialDropout2D(0.5)", (2, 3, 4, 2)),
    _case("SpatialDropout3D(0.5)", (2, 3, 4, 2, 2)),
    _case("GaussianNoise(0.5)", (2, 3)),
    _case("GaussianDropout(0.5)", (2, 3)),
    _case("AlphaDropout(0.5)", (2, 3)),
    _case("Dropout(0.5, seed=3)", (4, 6), call={"training": True}),
    _case("Dropout(0.5, noise_shape=(None, 1, 5), seed=4)", (4, 6, 5), call={"training": True}),
    _case("SpatialDropout1D(0.5, seed=3)", (4, 6, 3), call={"training": True}),
    _case("GaussianNoise(0.5, seed=3)", (4, 6), call={"training": True}),
    _case("GaussianDropout(0.5, seed=3)", (4, 6), call={"training": True}),
    _case("AlphaDropout(0.5, seed=3)", (4, 6), call={"training": True}),
    _case("ActivityRegularization(l1=0.1, l2=0.2)", (2, 3)),
    _case("Flatten()", (2, 3, 4)),
    _case("Flatten(data_format='channels_first')", (2, 3, 4, 5)),
    _case("Reshape((2, -1))", (2, 3, 4)),
    _case("Permute((2, 1))", (2, 3, 4)),
    _case("RepeatVector(3)", (2, 4)),
    _case("ZeroPadding1D(2)", (2, 3, 4)),
    _case("ZeroPadding2D(((1, 2), (0, 1)))", (2, 3, 4, 2)),
    _case("ZeroPadding3D(1)", (1, 2, 2, 2, 2)),
    _case("Cropping1D((1, 2))", (2, 6, 3)),
    _case("Cropping2D((1, 2))", (1, 5, 6, 2)),
    _case("Cropping3D(1)", (1, 3, 4, 5, 2)),
    _case("UpSampling1D(2)", (2, 3, 2)),
    _case("UpSampling2D((2, 3))", (1, 2, 3, 2)),
    _case("UpSampling2D(2, interpolation='bilinear')", (1, 2, 3, 2)),
    _case("UpSampling3D(2)", (1, 2, 2, 2, 2)),
    _case("Embedding(5, 3)", (2, 4), ints=5),
    _case("Rescaling(1 / 127.5, offset=-1)", (2, 3)),
    _case("ReLU()", (2, 3)),
    _case("ReLU(max_value=0.5, negative_slope=0.1, threshold=0.1)", (2, 3)),
    _case("LeakyReLU()", (2, 3)),
    _case("LeakyReLU(negative_slope=0.1)", (2, 3)),
    _case("PReLU()", (2, 3, 4)),
    _case("PReLU(shared_axes=[1])", (2, 3, 4)),
    _case("ELU(0.7)", (2, 3)),
    _case("Softmax()", (2, 3)),
    _case("Softmax(axis=1)", (2, 3, 4)),
    _case("Add()", (2, 3), (2, 3)),
    _case("Subtract()", (2, 3), (2, 3)),
    _case("Multiply()", (2, 3), (2, 3), (2, 3)),
    _case("Average()", (2, 3), (2, 3)),
    _case("Maximum()", (2, 3), (2, 3)),
    _case("Minimum()", (2, 3), (2, 3)),
    _case("Add()", (2, 3, 4), (2, 1, 4)),
    _case("Concatenate()", (2, 3), (2, 4)),
    _case("Concatenate(axis=1)", (2, 3, 4), (2, 2, 4)),
    _case("Dot(axes=1)", (2, 3), (2, 3)),
    _case("Dot(axes=(2, 1), normalize=True)", (2, 3, 4), (2, 4, 5)),
    _case("Conv1D(3, 2)", (2, 5, 4)),
    _case("Conv1D(3, 3, padding='causal', dilation_rate=2, activation='relu')", (2, 7, 4)),
    _case("Conv1D(4, 3, strides=2, padding='same', groups=2)", (2, 7, 4)),
    _case("Conv2D(3, 2)", (2, 5, 4, 2)),
    _case("Conv2D(4, (3, 2), strides=(2, 1), padding='same', activation='relu')", (2, 6, 5, 2)),
    _case("Conv2D(4, 3, dilation_rate=2, use_bias=False, groups=2)", (1, 7, 7, 2)),
    _case("Conv3D(2, 2, strides=1, padding='same')", (1, 3, 4, 3, 2)),
    _case("Conv1DTranspose(3, 3, strides=2, padding='same')", (2, 4, 2)),
    _case("Conv2DTranspose(3, 3, strides=2, padding='valid')", (1, 3, 4, 2)),
    _case("Conv2DTranspose(3, 3, strides=2, padding='same', output_padding=1)", (1, 3, 4, 2)),
    _case("Conv3DTranspose(2, 2, strides=2)", (1, 2, 2, 2, 2)),
    _case("DepthwiseConv1D(3, depth_multiplier=2)", (2, 6, 3)),
    _case("DepthwiseConv2D(3, padding='same')", (1, 5, 5, 3)),
    _case("DepthwiseConv2D((3, 3), strides=2, depth_multiplier=2, padding='valid')", (1, 7, 6, 2)),
    _case("SeparableConv1D(4, 3, padding='same')", (2, 6, 3)),
    _case("SeparableConv2D(4, 3, depth_multiplier=2)", (1, 6, 5, 2)),
    _case("MaxPooling1D()", (2, 6, 3)),
    _case("MaxPooling2D()", (2, 6, 5, 3)),
    _case("MaxPooling2D(3, strides=1, padding='same')", (1, 6, 5, 2)),
    _case("MaxPooling3D()", (1, 4, 4, 4, 2)),
    _case("AveragePooling1D(3, strides=2, padding='same')", (2, 6, 3)),
    _case("AveragePooling2D((2, 3))", (2, 6, 6, 3)),
    _case("AveragePooling2D(3, strides=2, padding='same')", (1, 6, 5, 2)),
    _case("AveragePooling3D(2)", (1, 4, 4, 4, 2)),
    _case("GlobalMaxPooling1D()", (2, 6, 3)),
    _case("GlobalMaxPooling2D()", (2, 4, 3, 3)),
    _case("GlobalMaxPooling3D(keepdims=True)", (1, 2, 3, 2, 2)),
    _case("GlobalAveragePooling1D()", (2, 6, 3)),
    _case("GlobalAveragePooling2D(keepdims=True)", (2, 4, 3, 3)),
    _case("GlobalAveragePooling3D()", (1, 2, 3, 2, 2)),
    _case("BatchNormalization()", (4, 3)),
    _case("BatchNormalization()", (4, 3), call={"training": True}, state=True),
    _case("BatchNormalization(axis=1, momentum=0.9, epsilon=1e-2, scale=False)", (4, 3, 5), call={"training": True}, state=True),
    _case("BatchNormalization(center=False)", (2, 3, 4, 3), call={"training": True}, state=True),
    _case("LayerNormalization()", (2, 3, 4)),
    _case("LayerNormalization(axis=[1, 2], epsilon=1e-2)", (2, 3, 4)),
    _case("LayerNormalization(center=False)", (2, 4)),
    _case("RMSNormalization()", (2, 3, 4)),
    _case("GroupNormalization(2)", (2, 3, 4)),
    _case("GroupNormalization(groups=-1)", (2, 3, 3, 4)),
    _case("UnitNormalization()", (2, 3)),
    _case("UnitNormalization(axis=[1, 2])", (2, 3, 4)),
    _case("TimeDistributed(layers.Dense(3))", (2, 4, 5)),
    _case("SimpleRNN(3)", (2, 4, 5)),
    _case("SimpleRNN(3, return_sequences=True, go_backwards=True, activation='relu')", (2, 4, 5)),
    _case("LSTM(3)", (2, 4, 5)),
    _case("LSTM(3, return_sequences=True, return_state=True)", (2, 4, 5)),
    _case("LSTM(3, unit_forget_bias=False, use_bias=False, recurrent_activation='hard_sigmoid')", (2, 4, 5)),
    _case("GRU(3)", (2, 4, 5)),
    _case("GRU(3, reset_after=False, return_sequences=True)", (2, 4, 5)),
    _case("GRU(3, return_state=True)", (2, 4, 5)),
    _case("RNN(layers.LSTMCell(3))", (2, 4, 5)),
    _case("RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)], return_sequences=True)", (2, 4, 5)),
    _case("Bidirectional(layers.LSTM(3, return_sequences=True))", (2, 4, 5)),
    _case("Bidirectional(layers.GRU(3), merge_mode='sum')", (2, 4, 5)),
    _case("MultiHeadAttention(2, 3)", (2, 4, 5), (2, 6, 5), spread=True),
    _case("MultiHeadAttention(2, 3, value_dim=4, output_shape=7, use_bias=False)", (2, 4, 5), (2, 6, 5), (2, 6, 3), spread=True),
    _case("MultiHeadAttention(2, 3, attention_axes=(1, 2))", (1, 2, 3, 5), (1, 2, 4, 5), spread=True),
    _case("MultiHeadAttention(2, 3)", (2, 4, 5), (2, 4, 5), spread=True, call={"use_causal_mask": True}),
    _case("Attention()", (2, 3, 4), (2, 5, 4)),
    _case("Attention(score_mode='dot', use_scale=True)", (2, 3, 4), (2, 5, 4), (2, 5, 4)),
    _case("AdditiveAttention()", (2, 3, 4), (2, 5, 4)),
    _case("AdditiveAttention(use_scale=False)", (2, 3, 4), (2, 5, 4)),
    _case("Attention(score_mode='concat')", (2, 3, 4), (2, 5, 4)),
    _case("Attention()", (2, 3, 4), (2, 5, 4), call={"use_causal_mask": True}),
    _case("MultiHeadAttention(2, 3, use_gate=True)", (2, 4, 5), (2, 6, 5), spread=True),
    _case("MultiHeadAttention(2, 3, sliding_window=2)", (2, 4, 5), (2, 4, 5), spread=True),
    _case("GroupQueryAttention(3, 4, 2)", (2, 4, 5), (2, 6, 5), spread=True),
    _case("GroupQueryAttention(3, 4, 1, use_gate=True, use_bias=False)", (2, 4, 5), (2, 4, 5), spread=True, call={"use_causal_mask": True}),
    _case("GroupQueryAttention(3, 2, 2, sliding_window=2)", (2, 4, 5), (2, 4, 5), (2, 4, 5), spread=True),
    _case("AdaptiveAveragePooling1D(3)", (2, 7, 3)),
    _case("AdaptiveAveragePooling2D((2, 3))", (2, 7, 6, 3)),
    _case("AdaptiveAveragePooling3D(2)", (1, 4, 5, 4, 2)),
    _case("AdaptiveMaxPooling1D(3)", (2, 7, 3)),
    _case("AdaptiveMaxPooling2D((2, 3))", (2, 7, 6, 3)),
    _case("AdaptiveMaxPooling3D(2)", (1, 4, 5, 4, 2)),
    _case("ConvLSTM1D(3, 2)", (2, 3, 5, 4)),
    _case("ConvLSTM1D(3, 3, padding='same', return_sequences=True, go_backwards=True)", (2, 3, 5, 4)),
    _case("ConvLSTM2D(2, 2, strides=2, return_state=True)", (1, 3, 5, 6, 2)),
    _case("ConvLSTM2D(2, (2, 3), padding='same', unit_forget_bias=False, recurrent_activation='hard_sigmoid')", (1, 3, 4, 5, 2)),
    _case("ConvLSTM3D(2, 2)", (1, 2, 3, 3, 3, 2)),
    _case("SpectralNormalization(layers.Dense(3))", (2, 4)),
    _case("SpectralNormalization(layers.Dense(3))", (2, 4), call={"training": True}, state=True),
    _case("SpectralNormalization(layers.Conv1D(3, 2), power_iterations=3)", (2, 5, 4), call={"training": True}, state=True),
    _case("ReversibleEmbedding(5, 3)", (2, 4), ints=5),
    _case("ReversibleEmbedding(5, 3, tie_weights=False, mask_zero=True)", (2, 4), ints=5),
    _case("Embedding(5, 3, mask_zero=True)", (2, 4), ints=5),
    _case("Masking(0.5)", (2, 3, 4)),
    _case("StackedRNNCells([layers.GRUCell(3), layers.LSTMCell(2)])", (2, 4), (2, 3), (2, 2), (2, 2), cell=[1, 2]),
    _case("GRUCell(3)", (2, 4), (2, 3), cell=[1]),
    _case("LSTMCell(3)", (2, 4), (2, 3), (2, 3), cell=[2]),
    _case("SimpleRNNCell(3)", (2, 4), (2, 3), cell=[1]),
    _case("RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True)", (2, 4, 5)),
    _case("RNN(layers.SimpleRNNCell(3), unroll=True)", (2, 4, 5)),
    _case("LSTM(3, unroll=True, zero_output_for_mask=True)", (2, 4, 5)),
    _case("GRU(3, stateful=True)", (2, 4, 5), batch=2),
    _case("LSTM(3, 'relu', 'tanh', False)", (2, 4, 5)),
    _case("Bidirectional(layers.LSTM(3, return_sequences=True, return_state=True))", (2, 4, 5)),
    _case("Bidirectional(layers.SimpleRNN(3), merge_mode=None)", (2, 4, 5)),
    _case("Bidirectional(layers.LSTM(3), merge_mode='ave')", (2, 4, 5)),
    _case("Bidirectional(layers.LSTM(3), merge_mode='mul', backward_layer=layers.GRU(3, go_backwards=True))", (2, 4, 5)),
    _case("TimeDistributed(layers.Conv2D(2, 2))", (2, 3, 4, 5, 2)),
    _case("TimeDistributed(layers.BatchNormalization())", (2, 3, 4)),
    _case("BatchNormalization(renorm=True)", (4, 3), call={"training": True}, state=True),
    _case("BatchNormalization(axis=1)", (2, 3, 4, 3)),
    _case("GroupNormalization(3, axis=1)", (2, 6, 4)),
    _case("RMSNormalization(axis=(1, 2), epsilon=1e-3)", (2, 3, 4)),
    _case("SeparableConv1D(4, 3, strides=2, activation='relu', use_bias=False)", (2, 7, 3)),
    _case("SeparableConv2D(4, (2, 3), dilation_rate=2, padding='same', depth_multiplier=2)", (1, 6, 5, 2)),
    _case("Conv1D(3, 2, data_format='channels_last', kernel_constraint='unit_norm')", (2, 5, 4)),
    _case("Conv1DTranspose(3, 2, dilation_rate=2)", (2, 4, 2)),
    _case("UpSampling2D(2, data_format='channels_last', interpolation='nearest')", (1, 2, 3, 2)),
    _case("Dropout(0.3)", (2, 3), call={"training": True}),
    _case("Concatenate(axis=-2)", (2, 3, 4), (2, 2, 4)),
    _case("Identity()", (2, 3, 4)),
    _case("Lambda(abs)", (2, 3), unsaved=True),
    _case("Activation('gelu')", (2, 3)),
    _case("Softmax(axis=(1, 2))", (2, 3, 4)),
    _case("STFTSpectrogram(frame_length=8)", (2, 32, 2)),
    _case("STFTSpectrogram('magnitude', 8, 3, 16, expand_dims=True, padding='same')", (2, 32, 2)),
    _case("STFTSpectrogram('psd', 8, window='hamming', periodic=True, scaling='spectrum')", (2, 32, 1)),
    _case("STFTSpectrogram('stft', 8, window=None)", (2, 32, 1)),
    _case("STFTSpectrogram('angle', 8)", (2, 32, 1)),
    _case("MelSpectrogram(fft_length=16, sequence_stride=8, num_mel_bins=6, sampling_rate=200)", (2, 64)),
    _case("MelSpectrogram(16, 8, 12, power_to_db=False, mag_exp=1.0, num_mel_bins=6, sampling_rate=200)", (2, 64)),
    _case("Normalization()", (3, 4), adapt="filled((8, 4), 3)"),
    _case("Normalization(axis=(1, 2))", (3, 2, 4), adapt="filled((8, 2, 4), 3)"),
    _case("Normalization(mean=[1.0, 2.0], variance=[4.0, 1.0])", (3, 2)),
    _case("Normalization(axis=None, mean=1.0, variance=4.0, invert=True)", (3, 2)),
    _case("Discretization(bin_boundaries=[-0.5, 0.1, 0.6])", (3, 2)),
    _case("Discretization(num_bins=4)", (3, 2), adapt="filled((50, 2), 3)"),
    _case("Discretization(bin_boundaries=[-0.5, 0.1], output_mode='one_hot')", (3, 1)),
    _case("Discretization(bin_boundaries=[-0.5, 0.1], output_mode='count')", (3, 4)),
    _case("CategoryEncoding(5)", (3, 4), ints=5),
    _case("CategoryEncoding(5, output_mode='count')", (3, 4), ints=5),
    _case("CategoryEncoding(5, output_mode='one_hot')", (3, 1), ints=5),
    _case("Hashing(4)", (3, 2), ints=100),
    _case("Hashing(4, mask_value=0, salt=7)", (3, 2), ints=100),
    _case("Hashing(4, salt=(1, 2), output_mode='multi_hot')", given="[np.array([['a', 'b'], ['cat', 'a longer string than before']])]"),
    _case("HashedCrossing(7)", given="[np.array([['a'], ['b'], ['cc']]), np.array([[1], [20], [3]])]"),
    _case("HashedCrossing(7, output_mode='one_hot')", given="[np.array([5, 6, 7]), np.array([1, 20, 3])]"),
    _case("StringLookup(vocabulary=['a', 'b', 'c'])", given="[np.array([['a', 'c', 'z'], ['b', '', 'a']])]"),
    _case("StringLookup(num_oov_indices=3, mask_token='')", given="[np.array([['a', 'c', 'z'], ['b', '', 'yy']])]", adapt="np.array([['a', 'b'], ['b', 'c']])"),
    _case("StringLookup(vocabulary=['a', 'b', 'c'], mask_token='', output_mode='multi_hot')", given="[np.array([['a', 'c', 'z'], ['b', '', 'a']])]"),
    _case("StringLookup(vocabulary=['a', 'b', 'c'], output_mode='count', pad_to_max_tokens=True, max_tokens=6)", given="[np.array([['a', 'a', 'z'], ['b', '', 'a']])]"),
    _case("StringLookup(vocabulary=['a', 'b', 'c'], output_mode='one_hot')", given="[np.array([['a'], ['z']])]"),
    _case("StringLookup(output_mode='tf_idf')", given="[np.array([['a', 'c', 'z'], ['b', 'b', 'a']])]", adapt="np.array([['a', 'b'], ['b', 'c'], ['b', 'd']])"),
    _case("StringLookup(vocabulary=['a', 'b'], output_mode='tf_idf', idf_weights=[0.5, 2.0])", given="[np.array([['a', 'c', 'z'], ['b', 'b', 'a']])]"),
    _case("StringLookup(vocabulary=['a', 'b', 'c'], invert=True)", (2, 3), ints=5),
    _case("StringLookup(vocabulary=['a', 'b', 'c'], num_oov_indices=0)", given="[np.array(['c', 'a'])]"),
    _case("IntegerLookup(vocabulary=[3, 5, 8])", (2, 3), ints=10),
    _case("IntegerLookup(num_oov_indices=2, mask_token=0, max_tokens=6)", (2, 3), ints=10, adapt="np.array([[3, 3, 5], [5, 3, 9], [7, 0, 4]])"),
    _case("IntegerLookup(vocabulary=[3, 5, 8], output_mode='count')", (2, 3), ints=10),
    _case("IntegerLookup(vocabulary=[3, 5, 8], invert=True)", (2, 3), ints=4),
    _case("TextVectorization(output_sequence_length=5)", given="[np.array(['Hello, a world! world', 'a'])]", adapt="np.array(['hello world', 'a world'])"),
    _case("TextVectorization(ngrams=2)", given="[np.array([['Hello, a world! world'], ['a']])]", adapt="np.array(['hello world', 'a world'])"),
    _case("TextVectorization(max_tokens=6, split='character', output_mode='count', standardize='lower')", given="[np.array(['Hello, a', 'A'])]", adapt="np.array(['hello world', 'a world'])"),
    _case("TextVectorization(output_mode='tf_idf', ngrams=(2,))", given="[np.array(['hello world', 'a world is a world'])]", adapt="np.array(['hello world is', 'a world is'])"),
    _case("TextVectorization(vocabulary=['a', 'world'], output_mode='multi_hot', standardize=None)", given="[np.array(['hello a', 'a World'])]"),
    _case("Pipeline([layers.Rescaling(2.0), layers.Dense(3)])", (2, 4)),
]


def _name(case):
    inputs = case.get("given") or list(map(list, case["inputs"]))
    return f"{case['layer'].removeprefix('layers.')} on {inputs}{' ' + repr(case['call']) if 'call' in case else ''}"


CASES = {_name(case): case for case in _ALL}
