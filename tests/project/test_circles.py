"""No module needs, by way of others, itself: what is read first can be read alone."""

import grimp
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOTS = ("memlab", "drivers", "firmware_protocol")

FOR_A_TYPE = [
    # The one knows of the other the name of a class, for the type of an argument.
    {"memlab.kinds", "memlab.session"},
]
"""Packages between which, or within which, only `TYPE_CHECKING` closes a circle."""


def circles(*, types: bool) -> list[list[str]]:
    """Return the modules of each circle, and the lines that close it.

    An import within a function counts: the module is needed, if later. One under `TYPE_CHECKING`
    counts with `types` alone.
    """
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=not types, cache_dir=None)
    names = sorted(graph.modules)
    number = {name: k for k, name in enumerate(names)}
    edges = np.array(
        [
            (number[name], number[other])
            for name in names
            for other in graph.find_modules_directly_imported_by(name)
        ]
    )
    matrix = coo_array((np.ones(len(edges)), edges.T), (len(names), len(names)))
    _, group = connected_components(matrix, connection="strong")
    found = []
    for k in np.flatnonzero(np.bincount(group) > 1):
        inside = [name for name, one in zip(names, group, strict=True) if one == k]
        found.append(
            [
                f"{name}:{detail['line_number']}: {detail['line_contents']}"
                for name in inside
                for other in sorted(graph.find_modules_directly_imported_by(name) & {*inside})
                for detail in graph.get_import_details(importer=name, imported=other)
            ]
        )
    return found


def test_no_import_closes_a_circle_not_even_one_within_a_function() -> None:
    assert circles(types=False) == []


def test_types_close_a_circle_only_where_it_is_said() -> None:
    found = [
        {".".join(line.split(":")[0].split(".")[:2]) for line in circle}
        for circle in circles(types=True)
    ]
    assert [circle for circle in found if circle not in FOR_A_TYPE] == []


def test_a_circle_is_found(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "round_and_round"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def late():\n    from round_and_round import two\n")
    (package / "two.py").write_text("from round_and_round import one, three\n")
    (package / "three.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(f"{__name__}.ROOTS", ("round_and_round",))
    (circle,) = circles(types=False)
    assert circle == [
        "round_and_round.one:2: from round_and_round import two",
        "round_and_round.two:1: from round_and_round import one, three",
    ]
