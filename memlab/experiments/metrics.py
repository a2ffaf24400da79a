"""What experiments find, declared: read by whoever measures, lists or draws it."""

from __future__ import annotations

from typing import Any

from memlab.runs import Findings, Quantity

__all__ = [
    "BALANCED_ACCURACY",
    "EPOCHS",
    "FINAL_LOSS",
    "MAJORITY_TEST_ACCURACY",
    "NAIVE_TEST_RMSE",
    "NAIVE_TRAIN_RMSE",
    "RESTARTS",
    "TEST_ACCURACY",
    "TEST_RMSE",
    "TRAIN_ACCURACY",
    "TRAIN_RMSE",
    "VALIDATION_LOSS",
    "in_software",
    "metrics_of",
]

FINAL_LOSS = Quantity("final_loss", "1", "Final loss: mean over the last epoch of training")
RESTARTS = Quantity("restarts", "1", "Restarts: times that training began anew")
VALIDATION_LOSS = Quantity("validation_loss", "1", "Validation loss, after the last epoch")
EPOCHS = Quantity("epochs", "1", "Epochs that were trained")

TRAIN_ACCURACY = Quantity("train_accuracy", "1", "Train accuracy")
TEST_ACCURACY = Quantity("test_accuracy", "1", "Test accuracy")
BALANCED_ACCURACY = Quantity("test_balanced_accuracy", "1", "Test balanced accuracy")
MAJORITY_TEST_ACCURACY = Quantity(
    "majority_test_accuracy",
    "1",
    "Test accuracy of always naming the class most frequent in training",
    reference=True,
)

_PASSENGERS = "1e3 passengers"

TRAIN_RMSE = Quantity("train_rmse", _PASSENGERS, "Train RMSE")
TEST_RMSE = Quantity("test_rmse", _PASSENGERS, "Test RMSE")
NAIVE_TRAIN_RMSE = Quantity(
    "persistence_train_rmse", _PASSENGERS, "Persistence train RMSE", reference=True
)
NAIVE_TEST_RMSE = Quantity(
    "persistence_test_rmse", _PASSENGERS, "Persistence test RMSE", reference=True
)


def in_software(quantity: Quantity) -> Quantity:
    """Return a quantity as the software finds it, before a transfer."""
    text = f"{quantity.description}, in software before the transfer"
    return quantity.variant("software", text)


def metrics_of(findings: Findings) -> dict[str, dict[str, Any]]:
    """Return unit, number and kind of the samples of each number by its name."""
    return {
        name: {"units": one.units, "n": one.n, "of": one.of}
        for name, one in findings.values.items()
        if one.is_number
    }
