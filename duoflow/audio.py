"""Sound files: `tf.audio`."""

from duoflow.ops import decode_wav, encode_wav

__all__ = ["decode_wav", "encode_wav"]
