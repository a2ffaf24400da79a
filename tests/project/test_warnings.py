"""Which warnings end a test: the filters of pyproject.toml, given warnings as Python gives them."""

import builtins
import tomllib
import warnings

import pytest
from support.virtual_board import REPOSITORY

from memlab.chip.load import LoadWarning

DEPRECATED = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


@pytest.fixture(autouse=True)
def _filters(recwarn: pytest.WarningsRecorder) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    warnings.resetwarnings()
    for line in project["tool"]["pytest"]["ini_options"]["filterwarnings"]:
        action, _, category, module = [*line.split(":"), "", "", ""][:4]
        kind = getattr(builtins, category or "Warning")
        warnings.filterwarnings(action, category=kind, module=module)


def warn(category: type[Warning], module: str) -> None:
    warnings.warn_explicit("said", category, f"{module}.py", 1, module=module, registry={})


@pytest.mark.parametrize("category", DEPRECATED)
@pytest.mark.parametrize(
    "module", ["memlab.nn.lstm", "drivers", "firmware_protocol.link", "tests.memlab.test_load"]
)
def test_what_we_use_though_deprecated_is_an_error(category: type[Warning], module: str) -> None:
    with pytest.raises(category):
        warn(category, module)


@pytest.mark.parametrize("category", DEPRECATED)
@pytest.mark.parametrize("module", ["numpy.lib", "memlab_of_others", "distributed.client"])
def test_what_others_deprecate_among_themselves_is_shown(
    category: type[Warning], module: str, recwarn: pytest.WarningsRecorder
) -> None:
    warn(category, module)
    assert [one.category for one in recwarn] == [category]


@pytest.mark.parametrize("category", [RuntimeWarning, ResourceWarning, UserWarning, LoadWarning])
@pytest.mark.parametrize("module", ["numpy._core", "matplotlib.axes", "memlab.operations.speed"])
def test_all_else_is_an_error_wherever_it_comes_from(category: type[Warning], module: str) -> None:
    with pytest.raises(category):
        warn(category, module)
