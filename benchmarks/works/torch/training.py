"""Training steps: forward, backward, Adam."""

import torch
from torch import nn

torch.manual_seed(0)


def train_step(model, loss_fn, x, y):
    """A callable that makes one optimizer step on (x, y) and waits for its loss."""
    optimizer = torch.optim.Adam(model.parameters())

    def step(x=x, y=y):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def digits(count, *shape):
    """Random images and labels of 10 classes."""
    return torch.rand(count, *shape), torch.randint(0, 10, (count,))


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def mlp_step():
    return train_step(mlp(), nn.functional.cross_entropy, *digits(32, 784))


def mlp_fit():
    """PyTorch has no fit: the loop its users write, over shuffled batches of tensors held in memory."""
    x, y = digits(48_000, 784)
    step = train_step(mlp(), nn.functional.cross_entropy, x, y)

    def epoch():
        for batch in torch.randperm(len(x)).split(32):
            step(x[batch], y[batch])

    return epoch


def cnn_step():
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 10),
    )  # fmt: skip
    return train_step(model, nn.functional.cross_entropy, *digits(64, 1, 28, 28))


class LastOutput(nn.Module):
    """An LSTM's output at the last step."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


def lstm_step():
    return train_step(LastOutput(), nn.functional.mse_loss, torch.rand(32, 50, 64), torch.rand(32, 128))


def transformer_step():
    layer = nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 2)
    return train_step(model, nn.functional.mse_loss, torch.rand(16, 128, 256), torch.rand(16, 128, 256))


mlp_loop, cnn_loop, lstm_loop = mlp_step, cnn_step, lstm_step  # PyTorch's steps are not compiled
