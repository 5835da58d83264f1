"""The counterpart of `Model.fit`: a loop over an epoch, as one writes it here."""

from benchmarks.works.torch.training import mlp_fit

__all__ = ["mlp_fit"]
