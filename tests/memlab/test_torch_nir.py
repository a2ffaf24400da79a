"""Graphs of NIR as models of PyTorch: held against the equations of NIR, and on a chip."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate

torch = pytest.importorskip("torch")
nir = pytest.importorskip("nir")

import memlab  # noqa: E402 - after the check that both are there
from memlab.array.ideal import IdealArray  # noqa: E402
from memlab.errors import DataError, SettingError  # noqa: E402
from memlab.torch import initialise, place, write  # noqa: E402
from memlab.torch.nir import from_nir  # noqa: E402

RNG = np.random.default_rng(3)
DT = 1e-3


def chain(shape: tuple[int, ...], **nodes: Any) -> Any:
    """A graph of nodes in a row."""
    names = ["input", *nodes, "output"]
    whole = {"input": nir.Input({"input": np.array(shape)}), **nodes}
    last = nodes[names[-2]].output_type["output"]
    end = nir.Output({"output": last})
    return nir.NIRGraph({**whole, "output": end}, list(pairwise(names)), type_check=False)


def run(graph: Any, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return from_nir(graph, DT)(torch.tensor(x, dtype=torch.float32)).numpy()


def neurons(**more: Any) -> dict[str, Any]:
    return {name: np.full(3, value) for name, value in more.items()}


def test_weights_are_those_of_the_graph() -> None:
    weight, bias = RNG.normal(size=(4, 3)), RNG.normal(size=4)
    x = RNG.normal(size=(5, 2, 3))
    found = run(chain((3,), a=nir.Affine(weight, bias), b=nir.Linear(2 * np.eye(4))), x)
    np.testing.assert_allclose(found, 2 * (x @ weight.T + bias), atol=1e-5)


def test_a_convolution_with_pooling_is_that_of_scipy() -> None:
    weight, bias = RNG.normal(size=(3, 2, 3, 2)), RNG.normal(size=3)
    conv = nir.Conv2d((8, 7), weight, (2, 1), (1, 0), 1, 1, bias)
    pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    flat = nir.Flatten({"input": np.array([3, 2, 3])}, start_dim=0)
    x = RNG.normal(size=(2, 1, 2, 8, 7))
    found = run(chain((2, 8, 7), conv=conv, pool=pool, flat=flat), x)
    expected = []
    for one in x[:, 0]:
        wide = np.pad(one, ((0, 0), (1, 1), (0, 0)))
        maps = np.array([correlate(wide, kernel, "valid")[0, ::2] for kernel in weight])
        maps += bias[:, None, None]
        expected.append(maps.reshape(3, 2, 2, 3, 2).sum(axis=(2, 4)).ravel())
    assert found.shape == (2, 1, int(flat.output_type["output"][0]))
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["IF", "LIF", "LI"])
def test_neurons_move_by_the_equations_of_nir(kind: str) -> None:
    x = RNG.normal(40, 30, size=(60, 2, 3))
    values = {"r": 2.0, "tau": 0.02, "v_leak": -0.1, "v_threshold": 0.8, "v_reset": -0.2}
    if kind == "IF":
        del values["tau"], values["v_leak"]
    if kind == "LI":
        del values["v_threshold"], values["v_reset"]
    found = run(chain((3,), one=getattr(nir, kind)(**neurons(**values))), x)
    rest = values.get("v_leak", 0.0)
    v, expected = np.full((2, 3), rest), []
    for current in x:
        change = values["r"] * current + ((rest - v) if "tau" in values else 0.0)
        v = v + DT * change / values.get("tau", 1.0)
        z = v > values.get("v_threshold", np.inf)
        expected.append(v.copy() if kind == "LI" else z)
        v = np.where(z, values.get("v_reset", 0.0), v)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert kind == "LI" or 5 < found.sum() < found.size


def test_what_comes_over_several_edges_is_added_up() -> None:
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "left": nir.Scale(np.array([1.0, 2.0, 3.0])),
        "right.one": nir.Threshold(np.zeros(3)),
        "output": nir.Output({"output": np.array([3])}),
    }
    edges = [("input", "left"), ("input", "right.one"), ("left", "output"), ("right.one", "output")]
    x = RNG.normal(size=(4, 2, 3))
    found = run(nir.NIRGraph(nodes, edges), x)
    np.testing.assert_allclose(found, x * [1, 2, 3] + (x > 0), rtol=1e-5)


def spiking() -> Any:
    lif = nir.LIF(**neurons(r=1.0, tau=0.01, v_leak=0.0, v_threshold=0.5, v_reset=0.0))
    out = nir.Affine(RNG.normal(size=(2, 3)), np.zeros(2))
    return chain((4,), hidden=nir.Affine(RNG.normal(size=(3, 4)), np.zeros(3)), lif=lif, out=out)


def test_a_file_goes_through_nir_onto_an_array_and_its_gradients_back(tmp_path: Path) -> None:
    graph = spiking()
    nir.write(tmp_path / "graph.nir", graph)
    x = torch.tensor(RNG.normal(2, 1, size=(20, 2, 4)), dtype=torch.float32)
    model, again = from_nir(graph, DT), from_nir(str(tmp_path / "graph.nir"), DT)
    assert torch.equal(model(x), again(x))
    ideal = IdealArray(40, 24)
    placed = place(again, ideal)
    write(placed)
    torch.testing.assert_close(placed(x), model(x), rtol=1e-3, atol=1e-3)
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=7") as array:
        placed = place(model, array)
        initialise(placed)
        placed(x).square().sum().backward()
        assert array.counts.vmm == 2 * 20 * 2
    assert placed.nodes["hidden"].weight.grad.abs().max() > 0


def test_what_is_not_built_is_refused_by_name(tmp_path: Path) -> None:
    cuba = nir.CubaLI(**neurons(tau_syn=0.01, tau_mem=0.01, r=1.0, v_leak=0.0))
    with pytest.raises(SettingError, match=r"slow \(CubaLI\); there are .*LIF"):
        from_nir(chain((3,), slow=cuba), DT)
    loop = chain((3,), a=nir.Linear(np.eye(3)), b=nir.Linear(np.eye(3)))
    loop.edges.append(("b", "a"))
    with pytest.raises(SettingError, match=r"loop.*a, b"):
        from_nir(loop, DT)
    with pytest.raises(SettingError, match="dt 0"):
        from_nir(spiking(), 0)
    (tmp_path / "no.nir").write_text("nothing")
    with pytest.raises(DataError, match=r"no\.nir"):
        from_nir(tmp_path / "no.nir", DT)


def graph_of(edges: list[tuple[str, str]] | None = None, shape: int = 3, **nodes: Any) -> Any:
    """A graph of nodes in a row, or with edges of its own, that nobody has checked."""
    ends = {"input": nir.Input({"input": np.array([shape])})}
    ends |= {**nodes, "output": nir.Output({"output": np.array([2])})}
    return nir.NIRGraph(ends, edges or list(pairwise(ends)), type_check=False)


LINEAR = nir.Affine(np.ones((2, 3)), np.zeros(2))
ROW = [("input", "a"), ("a", "output")]
UNFIT: list[tuple[Any, str]] = [
    (5, "graph is int: must be a nir.NIRGraph"),
    (
        graph_of(a=nir.Affine(np.full((2, 3), np.nan), np.zeros(2))),
        r"a \(Affine\): weight is not f",
    ),
    (graph_of(a=nir.Affine(np.ones((2, 3)), np.zeros(4))), r"a \(Affine\): bias of shape \(4,\)"),
    (graph_of(a=nir.Affine(np.ones((2, 3)), np.zeros(1))), r"a \(Affine\): bias of shape \(1,\)"),
    (graph_of(a=nir.Linear(np.ones((2, 3, 1)))), r"a \(Linear\): weight of shape \(2, 3, 1"),
    (graph_of(forward=LINEAR), "node forward: choose another name"),
    (graph_of(**{"a.b": LINEAR, "a_b": nir.Linear(np.eye(2))}), "a_b: choose another name"),
    (graph_of(a=LINEAR, shape=5), r"a \(Affine\) does not take numbers of shape \(5,\)"),
    (graph_of(a=nir.Scale(np.ones(3)), shape=1), r"a \(Scale\) does not take .* \(1,\)"),
    (graph_of(a=LINEAR, b=nir.Linear(np.ones((4, 2)))), r"output \(Output\) .*\(4,\)"),
    (graph_of(ROW, a=LINEAR, lost=LINEAR), "lost hears of none"),
    (graph_of([*ROW, ("input", "lost")], a=LINEAR, lost=LINEAR), "lost leads to no output"),
    (graph_of([*ROW, ("zz", "output")], a=LINEAR), "edge zz -> output"),
    (
        graph_of([*ROW, ("input", "b"), ("b", "output")], a=LINEAR, b=nir.Scale(np.ones(3))),
        r"output \(Output\) hears numbers of several shapes, \(2,\), \(3,\)",
    ),
]


@pytest.mark.parametrize(("graph", "why"), UNFIT)
def test_a_graph_that_does_not_fit_is_refused_by_the_name_of_its_node(graph: Any, why: str) -> None:
    with pytest.raises(SettingError, match=why) as raised:
        from_nir(graph, DT)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["LIF", "LI"])
@pytest.mark.parametrize(
    ("tau", "why"),
    [
        (0.0, "tau 0: must be a time above 0"),
        (-0.01, "tau -0.01: must be"),
        (np.nan, "tau nan: must be"),
        (5e-4, "tau 0.0005 is shorter than dt 0.001"),
    ],
)
def test_neurons_that_cannot_be_integrated_are_refused(kind: str, tau: float, why: str) -> None:
    more = {"v_threshold": 1.0} if kind == "LIF" else {}
    node = getattr(nir, kind)(**neurons(tau=tau, r=1.0, v_leak=0.0, **more))
    with pytest.raises(SettingError, match=rf"node one \({kind}\): {why}"):
        from_nir(chain((3,), one=node), DT)
    node.tau = np.full(3, np.float32(DT))  # as files hold it: just as long
    from_nir(chain((3,), one=node), DT)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (0, 1, 3), (2, 1, 1, 3), (2, 1, 4)])
def test_an_input_without_time_and_batch_is_refused(shape: tuple[int, ...]) -> None:
    model = from_nir(graph_of(a=LINEAR), DT)
    with pytest.raises(SettingError, match=r"takes \(time, batch, 3\), at least one time step"):
        model(torch.ones(shape))
