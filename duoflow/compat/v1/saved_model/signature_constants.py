"""`tf.compat.v1.saved_model.signature_constants`."""

