"""The version of Keras whose behaviour and file formats this package follows."""

__all__ = ["__version__", "version"]

__version__ = "3.15.1"


def version() -> str:
    """The version of Keras that programs see. Keras: keras.version."""
    return __version__
