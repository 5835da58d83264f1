"""`tf.compat.v1.saved_model.constants`."""

