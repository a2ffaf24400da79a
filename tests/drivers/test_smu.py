"""Reference SMUs: the exact dialogue with each family, and a session through PyVISA-sim.

The dialogues follow the makers' command sets: SCPI of the 2400 series, TSP of the 2600 series.
"""

from pathlib import Path

import pytest

from drivers.errors import DeviceError, TransportError
from drivers.keithley import Keithley2400, Keithley2600
from drivers.smu import ReferenceSmu, open_smu

Dialogue = list[tuple[str, str | None]]

ID_2400 = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C32   Oct  4 2010 14:20:11/A02  /S/H"
ID_2600 = "Keithley Instruments Inc., Model 2602B, 4012345, 3.3.5"

SET_UP_2400: Dialogue = [("*RST", None), (":OUTP:SMOD HIMP", None), (":SENS:FUNC:CONC OFF", None)]
SET_UP_2600: Dialogue = [
    ("smua.reset()", None),
    ("errorqueue.clear()", None),
    ("smua.source.offmode = smua.OUTPUT_HIGH_Z", None),
    ("smua.measure.nplc = 10", None),
]
OFF_2400, OFF_2600 = (":OUTP OFF", None), ("smua.source.output = smua.OUTPUT_OFF", None)


class Script:
    """A session that expects these lines in this order; an answer of None is a command."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.left = list(dialogue)
        self.closed = False

    def write(self, message: str) -> None:
        assert (message, None) == self.left.pop(0)

    def query(self, message: str) -> str:
        expected, answer = self.left.pop(0)
        assert message == expected
        assert answer is not None
        return answer

    def close(self) -> None:
        assert not self.left
        self.closed = True


def smu_2400(dialogue: Dialogue) -> tuple[Keithley2400, Script]:
    script = Script([*SET_UP_2400, *dialogue])
    return Keithley2400(script, ID_2400), script


def smu_2600(dialogue: Dialogue) -> tuple[Keithley2600, Script]:
    script = Script([*SET_UP_2600, *dialogue])
    return Keithley2600(script, ID_2600), script


class TestKeithley2400:
    def test_a_current_and_the_voltage_that_it_needs(self) -> None:
        smu, script = smu_2400(
            [
                OFF_2400,
                (":SOUR:FUNC CURR", None),
                (':SENS:FUNC "VOLT"', None),
                (":SENS:VOLT:NPLC 10", None),
                (":FORM:ELEM VOLT", None),
                (":SENS:VOLT:PROT 2.000000E-01", None),
                (":SOUR:CURR 1.760000E-06", None),
                (":OUTP ON", None),
                (":SYST:ERR?", '0,"No error"'),
                (":READ?", "+1.234567E-04\n"),
                (":SENS:VOLT:PROT:TRIP?", "0"),
                # Another level of the same function leaves the output on.
                (":SENS:VOLT:PROT 2.000000E-01", None),
                (":SOUR:CURR -1.760000E-06", None),
                (":SYST:ERR?", '0,"No error"'),
                OFF_2400,
            ]
        )
        with smu:
            smu.source_current(1.76e-6, 0.2)
            assert smu.measure_voltage() == 1.234567e-4
            smu.source_current(-1.76e-6, 0.2)
        assert script.closed

    def test_a_voltage_and_the_current_that_it_drives(self) -> None:
        smu, _ = smu_2400(
            [
                OFF_2400,
                (":SOUR:FUNC VOLT", None),
                (':SENS:FUNC "CURR"', None),
                (":SENS:CURR:NPLC 10", None),
                (":FORM:ELEM CURR", None),
                (":SENS:CURR:PROT 1.000000E-03", None),
                (":SOUR:VOLT 1.000000E-01", None),
                (":OUTP ON", None),
                (":SYST:ERR?", '0,"No error"'),
                (":READ?", "-2.5E-05"),
                (":SENS:CURR:PROT:TRIP?", "0"),
                OFF_2400,
            ]
        )
        with smu:
            smu.source_voltage(0.1, 1e-3)
            assert smu.measure_current() == -2.5e-5

    def test_an_error_of_the_instrument_is_told_in_its_own_words(self) -> None:
        smu, script = smu_2400([])
        script.left = [
            OFF_2400,
            *[(line, None) for line in smu._function("current")],
            (":SENS:VOLT:PROT 1.000000E+03", None),
            (":SOUR:CURR 1.000000E-06", None),
            (":OUTP ON", None),
            (":SYST:ERR?", '-222,"Parameter data out of range"'),
            OFF_2400,
        ]
        with pytest.raises(DeviceError, match=r"-222.*out of range"), smu:
            smu.source_current(1e-6, 1e3)


class TestKeithley2600:
    def test_a_current_and_the_voltage_that_it_needs(self) -> None:
        smu, script = smu_2600(
            [
                OFF_2600,
                ("smua.source.func = smua.OUTPUT_DCAMPS", None),
                ("smua.source.autorangei = smua.AUTORANGE_ON", None),
                ("smua.measure.autorangev = smua.AUTORANGE_ON", None),
                ("smua.source.limitv = 6.000000e+00", None),
                ("smua.source.leveli = 0.000000e+00", None),
                ("smua.source.output = smua.OUTPUT_ON", None),
                ("print(errorqueue.count)", "0.00000e+00"),
                ("print(smua.measure.v())", "1.99876e-01"),
                ("print(smua.source.compliance)", "false"),
                OFF_2600,
            ]
        )
        with smu:
            smu.source_current(0.0, 6.0)
            assert smu.measure_voltage() == 0.199876
        assert script.closed

    def test_a_voltage_and_the_current_that_it_drives(self) -> None:
        smu, _ = smu_2600(
            [
                OFF_2600,
                ("smua.source.func = smua.OUTPUT_DCVOLTS", None),
                ("smua.source.autorangev = smua.AUTORANGE_ON", None),
                ("smua.measure.autorangei = smua.AUTORANGE_ON", None),
                ("smua.source.limiti = 1.000000e-03", None),
                ("smua.source.levelv = 1.000000e-01", None),
                ("smua.source.output = smua.OUTPUT_ON", None),
                ("print(errorqueue.count)", "0.00000e+00"),
                ("print(smua.measure.i())", "2.50000e-05"),
                ("print(smua.source.compliance)", "false"),
                OFF_2600,
            ]
        )
        with smu:
            smu.source_voltage(0.1, 1e-3)
            assert smu.measure_current() == 2.5e-5

    def test_a_reading_at_the_limit_is_refused(self) -> None:
        smu, script = smu_2600([])
        script.left = [
            OFF_2600,
            *[(line, None) for line in smu._function("current")],
            ("smua.source.limitv = 2.000000e-01", None),
            ("smua.source.leveli = 1.000000e-06", None),
            ("smua.source.output = smua.OUTPUT_ON", None),
            ("print(errorqueue.count)", "0.00000e+00"),
            ("print(smua.measure.v())", "2.00012e-01"),
            ("print(smua.source.compliance)", "true"),
            OFF_2600,
        ]
        with smu:
            smu.source_current(1e-6, 0.2)
            with pytest.raises(DeviceError, match=r"at its limit.*connected"):
                smu.measure_voltage()
        assert script.closed


class TestBothFamilies:
    def test_what_is_not_sourced_is_not_measured(self) -> None:
        smu, _ = smu_2400([OFF_2400])
        with smu, pytest.raises(DeviceError, match="source first"):
            smu.measure_voltage()

    def test_silence_is_a_transport_error_that_names_the_danger(self) -> None:
        class Silent(Script):
            def write(self, message: str) -> None:
                raise OSError("VI_ERROR_TMO")

        with pytest.raises(TransportError, match=r"VI_ERROR_TMO.*switch it off"):
            Keithley2600(Silent([]), ID_2600)

    def test_the_session_is_closed_even_where_off_does_not_get_through(self) -> None:
        smu, script = smu_2600([])

        def fail(message: str) -> None:
            raise OSError("gone")

        script.write = fail  # type: ignore[method-assign]
        with pytest.raises(TransportError, match="gone"):
            smu.close()
        assert script.closed
        smu.close()  # and a second time does nothing


SIMULATED = """
spec: "1.0"
devices:
  k2400:
    eom:
      GPIB INSTR: {{q: "\\n", r: "\\n"}}
    error: ERROR
    dialogues:
      - {{q: "*IDN?", r: "{id_2400}"}}
      - {{q: "*RST"}}
      - {{q: ":OUTP:SMOD HIMP"}}
      - {{q: ":SENS:FUNC:CONC OFF"}}
      - {{q: ":SOUR:FUNC CURR"}}
      - {{q: ':SENS:FUNC "VOLT"'}}
      - {{q: ":SENS:VOLT:NPLC 10"}}
      - {{q: ":FORM:ELEM VOLT"}}
      - {{q: ":OUTP ON"}}
      - {{q: ":OUTP OFF"}}
      - {{q: ":SYST:ERR?", r: '0,"No error"'}}
      - {{q: ":READ?", r: "+2.000000E-04"}}
      - {{q: ":SENS:VOLT:PROT:TRIP?", r: "0"}}
    properties:
      current:
        default: 0.0
        getter: {{q: ":SOUR:CURR?", r: "{{:.6E}}"}}
        setter: {{q: ":SOUR:CURR {{:.6E}}"}}
        specs: {{min: -1.05, max: 1.05, type: float}}
      limit:
        default: 21.0
        getter: {{q: ":SENS:VOLT:PROT?", r: "{{:.6E}}"}}
        setter: {{q: ":SENS:VOLT:PROT {{:.6E}}"}}
        specs: {{min: -210, max: 210, type: float}}
  k2602:
    eom:
      TCPIP INSTR: {{q: "\\n", r: "\\n"}}
    error: ERROR
    dialogues:
      - {{q: "*IDN?", r: "{id_2600}"}}
      - {{q: "smua.reset()"}}
      - {{q: "errorqueue.clear()"}}
      - {{q: "smua.source.offmode = smua.OUTPUT_HIGH_Z"}}
      - {{q: "smua.measure.nplc = 10"}}
      - {{q: "smua.source.output = smua.OUTPUT_OFF"}}
      - {{q: "smua.source.output = smua.OUTPUT_ON"}}
      - {{q: "smua.source.func = smua.OUTPUT_DCAMPS"}}
      - {{q: "smua.source.autorangei = smua.AUTORANGE_ON"}}
      - {{q: "smua.measure.autorangev = smua.AUTORANGE_ON"}}
      - {{q: "print(errorqueue.count)", r: "0.00000e+00"}}
      - {{q: "print(smua.measure.v())", r: "1.50000e-01"}}
      - {{q: "print(smua.source.compliance)", r: "false"}}
    properties:
      current:
        default: 0.0
        getter: {{q: "print(smua.source.leveli)", r: "{{:.6e}}"}}
        setter: {{q: "smua.source.leveli = {{:.6e}}"}}
        specs: {{min: -3, max: 3, type: float}}
      limit:
        default: 20.0
        getter: {{q: "print(smua.source.limitv)", r: "{{:.6e}}"}}
        setter: {{q: "smua.source.limitv = {{:.6e}}"}}
        specs: {{min: 0, max: 40, type: float}}
  meter:
    eom:
      GPIB INSTR: {{q: "\\n", r: "\\n"}}
    error: ERROR
    dialogues:
      - {{q: "*IDN?", r: "HEWLETT-PACKARD,34401A,0,11-5-2"}}
resources:
  GPIB0::24::INSTR: {{device: k2400}}
  GPIB0::9::INSTR: {{device: meter}}
  TCPIP0::192.168.0.5::inst0::INSTR: {{device: k2602}}
"""


@pytest.fixture
def simulated(tmp_path: Path) -> str:
    """Name of a VISA library in which both families answer."""
    file = tmp_path / "instruments.yaml"
    file.write_text(SIMULATED.format(id_2400=ID_2400, id_2600=ID_2600))
    return f"{file}@sim"


class TestThroughVisa:
    def test_a_2400_on_gpib(self, simulated: str) -> None:
        with open_smu("GPIB0::24::INSTR", simulated) as smu:
            assert isinstance(smu, Keithley2400)
            assert isinstance(smu, ReferenceSmu)
            smu.source_current(1e-3, 0.2)
            assert smu.measure_voltage() == 2e-4
            assert float(smu._ask(":SOUR:CURR?")) == 1e-3
            assert float(smu._ask(":SENS:VOLT:PROT?")) == 0.2

    def test_a_2602b_on_the_network(self, simulated: str) -> None:
        with open_smu("TCPIP0::192.168.0.5::INSTR", simulated) as smu:
            assert isinstance(smu, Keithley2600)
            smu.source_current(1e-6, 0.2)
            assert smu.measure_voltage() == 0.15
            assert float(smu._ask("print(smua.source.leveli)")) == 1e-6

    def test_another_instrument_is_refused_by_name(self, simulated: str) -> None:
        with pytest.raises(DeviceError, match=r"34401A.*2400 to 2440"):
            open_smu("GPIB0::9::INSTR", simulated)

    def test_an_address_without_an_instrument(self, simulated: str) -> None:
        with pytest.raises(TransportError, match="GPIB0::1::INSTR"):
            open_smu("GPIB0::1::INSTR", simulated)
