"""Blocks of convolutional networks: a ResNet bottleneck and a MobileNet inverted residual, run and trained.

Images are in channels_last, PyTorch's faster layout on a CPU.
"""

import torch
from torch import nn

from benchmarks.works.torch.training import train_step

LAST = {"memory_format": torch.channels_last}


class Residual(nn.Module):
    """Layers whose input is added to what they give."""

    def __init__(self, layers, activation):
        super().__init__()
        self.layers, self.activation = layers, activation

    def forward(self, x):
        return self.activation(self.layers(x) + x)


def normalised(inputs, outputs, activation, kernel=1, groups=1):
    """A convolution without bias, batch normalisation, and an activation."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), activation)


def bottleneck(channels, width):
    """A 3x3 convolution on fewer channels between two that are 1x1, and the input added."""
    layers = nn.Sequential(
        normalised(channels, width, nn.ReLU(inplace=True)),
        normalised(width, width, nn.ReLU(inplace=True), 3),
        normalised(width, channels, nn.Identity()),
    )
    return Residual(layers, nn.ReLU(inplace=True)).to(**LAST)


def inverted_residual(channels, width):
    """A 3x3 depthwise convolution on more channels between two that are 1x1, and the input added."""
    layers = nn.Sequential(
        normalised(channels, width, nn.ReLU6(inplace=True)),
        normalised(width, width, nn.ReLU6(inplace=True), 3, groups=width),
        normalised(width, channels, nn.Identity()),
    )
    return Residual(layers, nn.Identity()).to(**LAST)


def images(count, channels, size):
    return torch.rand(count, channels, size, size).to(**LAST)


def run(model, *shape):
    """A callable that runs the model on one image."""
    model.eval()
    x = images(1, *shape)

    @torch.inference_mode()
    def call():
        return model(x)

    return call


def train(model, *shape):
    """A callable that makes one step on 8 images."""
    return train_step(model, nn.functional.mse_loss, images(8, *shape), images(8, *shape))


def bottleneck_run():
    return run(bottleneck(256, 64), 256, 56)


def bottleneck_step():
    return train(bottleneck(256, 64), 256, 56)


def inverted_run():
    return run(inverted_residual(32, 192), 32, 28)


def inverted_step():
    return train(inverted_residual(32, 192), 32, 28)
