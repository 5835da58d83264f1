"""Modules that the tests of SavedModels save."""

import duoflow as tf
from tests.golden.saved_module import X, everything

__all__ = ["Everything", "X"]

Everything = everything(tf)
