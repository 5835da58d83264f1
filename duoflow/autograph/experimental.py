"""tf.autograph.experimental: names only; see trace/autograph."""

from duoflow.trace.autograph import Feature, do_not_convert, set_loop_options

__all__ = ["Feature", "do_not_convert", "set_loop_options"]
