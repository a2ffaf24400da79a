"""`memlab chip show` and `memlab estimate`, in process."""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize("chip", ["ideal", "ta-hfo2", "pt-taox-ta", "worst-case"])
def test_show_gives_every_parameter_a_unit_and_a_source(memlab, chip: str) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = memlab("chip", "show", chip, "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["wires.resistance"]["unit"] == "ohm"
    assert rows["noise"]["unit"] == "S"
    for name, row in rows.items():
        if name not in ("name", "source"):
            assert row["unit"], name
            assert row["source"], name
            assert row["description"], name


def test_show_prints_the_published_numbers_for_people(memlab) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = memlab("chip", "show", "ta-hfo2")
    assert code == 0
    assert "9.8e-05" in out
    assert "S/V" in out


def test_unknown_presets_and_profiles_are_usage_errors(memlab, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty.toml").write_text("")
    for arguments in (
        ["chip", "show", "none"],
        ["estimate", "airline", "--board-profile", "none"],
        ["estimate", "airline", "--board-profile", "empty.toml"],
        ["estimate", "airline", "--board-profile", "missing.toml"],
        ["estimate", "nothing"],
    ):
        code, out, errors = memlab(*arguments)
        assert code == 2, arguments
        assert out == ""
        assert len(errors.strip().splitlines()) == 1


def test_a_faster_board_and_a_slower_link_change_the_bill(memlab) -> None:  # type: ignore[no-untyped-def]
    plain = json.loads(memlab("estimate", "airline", "--json")[1])
    fast = json.loads(memlab("estimate", "airline", "--board-profile", "parallel", "--json")[1])
    slow = json.loads(memlab("estimate", "airline", "--set", "link.baudrate=115200", "--json")[1])
    analogue = [bill["on_board"]["analogue_seconds"] for bill in (plain, fast, slow)]
    link = [bill["on_board"]["link_seconds"] for bill in (plain, fast, slow)]
    assert analogue[1] < analogue[0] == analogue[2]
    assert link[0] == link[1] < link[2]
    code, out, _ = memlab("estimate", "airline")
    assert code == 0
    assert "400 updates of 2072 devices" in out


@pytest.mark.parametrize(
    "epochs", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2)), 4]
)
def test_the_bill_of_a_few_updates_is_exact(memlab, tmp_path: Path, epochs: int) -> None:  # type: ignore[no-untyped-def]
    few = ["airline", "--epochs", str(epochs), "--json"]
    bill = json.loads(memlab("estimate", *few)[1])
    run = json.loads(memlab("train", *few, "--out", str(tmp_path / "run.h5"))[1])
    for name in ("vmm", "set", "reset"):
        assert bill["counts"][name] == run["counts"][name]
    assert bill["on_board"]["link_seconds"] == pytest.approx(run["on_board"]["link_seconds"])
    assert bill["on_board"]["reset_energy"] == pytest.approx(
        run["on_board"]["reset_energy"], rel=0.05, abs=1e-12
    )


def test_the_bill_says_what_each_new_beginning_adds(memlab) -> None:  # type: ignore[no-untyped-def]
    anew = ["--epochs", "200", "--set", "train.restarts=3", "--set", "train.restart_after=30"]
    bill = json.loads(memlab("estimate", "airline", *anew, "--json")[1])
    each = 30 * bill["updates"] // 200  # updates per epoch
    assert bill["restarts"] == {"at_most": 3, "updates_each": each}
    said = memlab("estimate", "airline", *anew)[1]
    assert f"{each} updates for each time that training begins anew, at most 3" in said
    assert "restarts" not in json.loads(memlab("estimate", "airline", "--json")[1])


@pytest.mark.usefixtures("rendered")
def test_a_floor_plan_is_drawn_as_asked_and_only_for_experiments(memlab, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    picture = tmp_path / "plan.svg"
    large = ["--arrays", "2", "--set", "network.units=40", "--set", "network.placement=automatic"]
    ask = ["--floor-plan", str(picture)]
    assert json.loads(memlab("estimate", "airline", *large, *ask, "--json")[1])["floor_plan"]
    drawn = picture.read_text()
    for words in ("Array 0", "Array 1", "lstm_0", "dense", "6761 weights"):
        assert words in drawn, words
    assert memlab("estimate", "airline", *ask)[0] == 2, "it exists already"
    ask[1] = str(tmp_path / "other.svg")
    assert memlab("estimate", "yield", *ask)[0] == 2
    assert memlab("estimate", "airline", "--floor-plan", str(tmp_path / "plan.txt"))[0] == 2
    assert sorted(tmp_path.iterdir()) == [picture]


def test_the_bill_of_a_network_on_several_arrays_is_that_of_all(memlab) -> None:  # type: ignore[no-untyped-def]
    large = ["--set", "network.units=40", "--set", "network.placement=automatic", "--json"]
    code, out, errors = memlab("estimate", "airline", *large)
    assert (code, out) == (2, "")
    assert "more arrays" in errors
    bill = json.loads(memlab("estimate", "airline", "--arrays", "2", *large)[1])
    assert bill["devices"] == 84 * 160 + 82
    # Every cell is SET at the start and at each update.
    assert bill["counts"]["set"] == bill["devices"] * 401
