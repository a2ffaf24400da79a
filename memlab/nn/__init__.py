"""Neural networks: forward on an Array, back-propagation in software from what was read back."""

from memlab.nn import layers
from memlab.nn.activations import Activation
from memlab.nn.build import LayerLike, build, output_shape
from memlab.nn.conv import Conv2D, ConvLSTM
from memlab.nn.curves import Curve
from memlab.nn.dense import Dense
from memlab.nn.gru import GRU
from memlab.nn.layer import Layer, MatrixLayer, Written, with_bias
from memlab.nn.losses import CrossEntropy, Loss, LossValue, SquaredError
from memlab.nn.lstm import LSTM
from memlab.nn.lstm_cell import Forget, LSTMVariant
from memlab.nn.network import Credit, Judge, Network
from memlab.nn.optimizers import SGD, Adam, Optimizer, RMSprop
from memlab.nn.patches import Padding
from memlab.nn.phased import PhasedLSTM
from memlab.nn.schedules import Constant, Cosine, Geometric, Schedule, Step
from memlab.nn.sequences import Bidirectional, LastStep, Repeat
from memlab.nn.shape import Flatten, MaxPool, ReLU
from memlab.nn.tree import TreeLSTM
from memlab.nn.validation import Best, Validation

__all__ = [
    "GRU",
    "LSTM",
    "SGD",
    "Activation",
    "Adam",
    "Best",
    "Bidirectional",
    "Constant",
    "Conv2D",
    "ConvLSTM",
    "Cosine",
    "Credit",
    "CrossEntropy",
    "Curve",
    "Dense",
    "Flatten",
    "Forget",
    "Geometric",
    "Judge",
    "LSTMVariant",
    "LastStep",
    "Layer",
    "LayerLike",
    "Loss",
    "LossValue",
    "MatrixLayer",
    "MaxPool",
    "Network",
    "Optimizer",
    "Padding",
    "PhasedLSTM",
    "RMSprop",
    "ReLU",
    "Repeat",
    "Schedule",
    "SquaredError",
    "Step",
    "TreeLSTM",
    "Validation",
    "Written",
    "build",
    "layers",
    "output_shape",
    "with_bias",
]
