"""Scripts as modules, for tests that look into them."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "scripts"


@contextmanager
def loaded(name: str) -> Iterator[ModuleType]:
    """Give a script of the repository as a module of its own, with those beside it that it needs.

    As where it is run: Python looks for modules beside a script first.
    """
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module  # dataclasses look their module up
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(SCRIPTS))
        for other in set(sys.modules) - before:
            if Path(getattr(sys.modules[other], "__file__", None) or "/").parent == SCRIPTS:
                del sys.modules[other]
