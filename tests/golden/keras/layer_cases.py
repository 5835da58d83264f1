"""The layers that are compared with Keras: how each is made, and the shapes of what it is called on.

`layer` is an expression over `layers`; `inputs` are shapes; `ints` gives integer inputs below that bound; `call` holds
arguments of the call; `spread` gives the inputs one by one, not as a list; `state` says that the call changes the weights, which are then compared too.
"""

import numpy as np


def filled(shape, seed):
    """Numbers in (0.05, 0.95) that any program can make again."""
    count = int(np.prod(shape))
    return (0.5 + 0.45 * np.sin(np.arange(count) * 0.7 + seed)).reshape(shape).astype("float32")


def inputs_of(case):
    """The inputs of a case."""
    if "ints" in case:
        return [(np.arange(int(np.prod(s))) * 7 % case["ints"]).reshape(s).astype("int32") for s in case["inputs"]]
    return [(2 * filled(s, 10 + i) - 1).astype("float32") for i, s in enumerate(case["inputs"])]


def called(layer, case, inputs):
    """The layer called on the inputs of a case."""
    arguments = inputs if case.get("spread") else inputs if len(inputs) == 1 else [inputs]
    return layer(*arguments, **case.get("call", {}))


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
]
CASES = {f"{case['layer'].removeprefix('layers.')} on {list(map(list, case['inputs']))}{' ' + repr(case['call']) if 'call' in case else ''}": case for case in _ALL}
