"""Keras code and nothing else: run by duoflow, and by Keras on TensorFlow, JAX and PyTorch."""
