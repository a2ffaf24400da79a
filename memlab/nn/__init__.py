"""Neural networks: forward on an Array, back-propagation in software from what was read back."""

from memlab.nn.layers import Dense, Layer
from memlab.nn.losses import CrossEntropy, Loss, LossValue, SquaredError
from memlab.nn.lstm import LSTM
from memlab.nn.network import Network
from memlab.nn.optimizers import SGD, Optimizer, RMSprop

__all__ = [
    "LSTM",
    "SGD",
    "CrossEntropy",
    "Dense",
    "Layer",
    "Loss",
    "LossValue",
    "Network",
    "Optimizer",
    "RMSprop",
    "SquaredError",
]
