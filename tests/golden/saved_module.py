"""The module that SavedModels are tested with, for whichever `tf` it is given."""

import numpy as np

X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


def everything(tf):
    """The class, made of a framework's parts."""

    class Everything(tf.Module):
        """A module with all that a SavedModel holds."""

        def __init__(self, asset=None):
            super().__init__()
            self.w = tf.Variable(np.arange(6.0, dtype="float32").reshape(3, 2), name="w")
            self.calls = tf.Variable(0, trainable=False, name="calls")
            self.offset = tf.constant([1.0, 2.0])
            self.parts = [tf.Variable(2.0), {"inner": tf.Variable([1, 2])}]
            if asset is not None:
                self.asset = tf.saved_model.Asset(asset)

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x):
            self.calls.assign_add(1)
            return {"y": tf.nn.relu(x @ self.w + self.offset) * self.parts[0], "rows": tf.shape(x)[0]}

        @tf.function
        def climb(self, x, steps=3, double=False):
            i = tf.constant(0)
            while i < steps:
                x, i = x + tf.cast(i, x.dtype), i + 1
            if tf.reduce_sum(x) > 10.0:
                x = x * 2.0 if double else x
            else:
                x = -x
            return x, [self.parts[0]]

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def rows(self, n):
            found = tf.TensorArray(tf.float32, n)
            for i in tf.range(n):
                found = found.write(i, tf.gather(self.w, i % 3))
            return found.stack()

        @tf.function(input_signature=[])
        def noise(self):
            return tf.random.stateless_normal([2], [1, 2]), tf.random.uniform([3])

        @tf.function(input_signature=[])
        def path(self):
            return self.asset.asset_path

    return Everything
