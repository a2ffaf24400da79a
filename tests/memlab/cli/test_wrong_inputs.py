"""Wrong inputs over all commands: one line, the right exit code, and nothing touched.

Each row: exit code, command, and a word that the line must hold.
"""

import io
import os
import shlex
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from support.command import in_process

from memlab.passport import Passport

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names of devices are those of POSIX")

TABLE = """
2 | --nonsense | nonsense
2 | nonsense | nonsense
2 | --version=3 | version
2 | train nonsense | nonsense
2 | train airline gait | gait
2 | train airline --epochs -1 | --epochs
2 | train airline --epochs 1.5 | 1.5
2 | train airline --epochs nan | nan
2 | train airline --epochs 1e3 | 1e3
2 | train airline --seed -1 | --seed
2 | train airline --seed x | --seed
2 | train airline --seed 1.0 | 1.0
2 | train airline --preset nonsense | nonsense
2 | train airline --preset | --preset
2 | train airline --set train.lr | train.lr
2 | train airline --set =3 | no such setting
2 | train airline --set train.lr= | train.lr=
2 | train airline --set train.lr=nan | train.lr=nan
2 | train airline --set train.lr=inf | train.lr=inf
2 | train airline --set train.lr=-1 | train.lr=-1
2 | train airline --set train.lr=x | train.lr=x
2 | train airline --set train.lr=[1] | train.lr=[1]
2 | train airline --set train.lr=null | train.lr
2 | train airline --set train.lr=true | train.lr=true
2 | train airline --set train=3 | train
2 | train airline --set train.rl=0.1 | no such setting
2 | train airline --set chip=nonsense | chip=nonsense
2 | train airline --set chip=folder | chip=folder
2 | train airline --set chip.noise=-1 | chip.noise=-1
2 | train airline --set chip.noise=nan | chip.noise=nan
2 | train airline --set chip.nonsense=1 | no such setting
2 | train airline --set log.level=loud | log.level=loud
2 | train airline --set method=nonsense | method=nonsense
2 | train airline --set train.lr=1e-5 | train.lr_final=0.0001 is above train.lr=1e-05
4 | train airline --set update.rule=forward-only --set update.reset_maximum=9 | update.reset_m
4 | train airline --set update.rule=forward-only --set update.reset_width=1 | update.reset_width=1
2 | train airline --set update.rule=forward-only --set update.reset_minimum=2 | m=2: reset
2 | train airline --set update.step=0.03 | setting of update.rule=one-shot; there are
2 | train airline --set update.rule=increments --set update.setp=1 | did you mean update.step?
2 | train airline --set seed=1e400 | seed
2 | train airline --set seed=99999999999999999999999999 | seed=9999999999999999999
4 | train airline --set point.read_voltage=9 | voltages
2 | train airline --set point.set_voltage=0 | point.set_voltage=0
2 | train airline --set train.lr={"a":1} | train.lr={a:1}
2 | train airline --set train.epochs=1000000000000000000000000000 | train.epochs=10000000000
2 | train airline --out there.h5 | there.h5
2 | train airline --out folder | folder
2 | train airline --out nowhere/run.h5 | nowhere/run.h5
2 | train airline --out there.h5/run.h5 | there.h5/run.h5
2 | train airline --out run.png | run.png
2 | train airline --out '' | --out
2 | train airline --out a --out b | --out
2 | train airline --good nowhere.h5 | nowhere.h5
2 | train airline --good there.h5 | there.h5
2 | train airline --good text.txt | text.txt
2 | train airline --good folder | folder
2 | train airline --data folder | brings its own data
2 | train gait --data nowhere | nowhere
2 | train wafer --data text.txt | --data
2 | train mnist-cnn --data folder | folder
2 | train airline --board nonsense | nonsense
2 | train airline --board nonsense: | nonsense:
2 | train airline --board emulator://x | emulator://x
2 | train airline --board emulator:x | emulator:x
2 | train airline --board emulator:?seed=-1 | emulator:?seed=-1
2 | train airline --board emulator:?seed=x | emulator:?seed=x
2 | train airline --board emulator:?seed=1&seed=2 | emulator:?seed=1&seed=2
2 | train airline --board emulator:?chip=ta-hfo2&chip=ideal | emulator:?chip=ta-hfo2&c
2 | train airline --board emulator:?chip=nonsense | chip
2 | train airline --board emulator:?chip=text.txt | chip
2 | train airline --board emulator:?chip=folder | chip
2 | train airline --board emulator:?noise=nan | noise
2 | train airline --board emulator:?noise=inf | noise
2 | train airline --board emulator:?noise=-1 | noise
2 | train airline --board emulator:?noise= | noise
2 | train airline --board emulator:?nonsense=1 | no such parameter
2 | train airline --board emulator:?=1 | no such parameter
2 | train airline --board emulator:?rounding=up | emulator:?rounding=up
2 | train airline --board emulator:?rounding=nearest&rounding=nearest | emulator:?rounding=neare
2 | train airline --board emulator:?calibration=nonsense | emulator:?calibration=no
2 | train airline --board emulator:?calibration=none&calibration=latest | emulator:?calibration=no
2 | train airline --board emulator:?passport= | emulator:?passport=
2 | train airline --board emulator:?passport=a&passport=b | emulator:?passport=a&pas
1 | train airline --board emulator:?passport=text.txt | passport
2 | train airline --board emulator:?budget.set=5 | budget.set
2 | train airline --board emulator:?budget.nonsense=5&passport=p.db | nonsense
2 | train airline --board emulator:?budget.set=-5&passport=p.db | example
2 | train airline --board emulator:?budget.set=nan&passport=p.db | nan
2 | train airline --board emulator:?budget.set=1&budget.set=2&passport=p.db | budget.set
2 | train airline --board emulator:?budget.set=1e999&passport=p.db | 1e999
2 | train airline --board ideal:?rows=1000000 | ideal:?rows=1000000
2 | train airline --board ideal:?rows=1000000&columns=1000000 | ideal:?rows=1000000&colu
2 | train airline --board ideal:?rows=0 | ideal:?rows=0
2 | train airline --board ideal:?rows=-3 | ideal:?rows=-3
2 | train airline --board ideal:?rows=² | ideal:?rows=²
2 | train airline --board ideal:?rows=3 | published
2 | train airline --board ideal:?rows=3&rows=4 | ideal:?rows=3&rows=4
2 | train airline --board ideal:?nonsense=4 | ideal:?nonsense=4
2 | train airline --board ideal:?passport=x | ideal:?passport=x
2 | train airline --board ideal:?rows=99999999999999999999999 | ideal:?rows=999999999999
3 | train airline --board serial:///dev/nonsense | nonsense
2 | train airline --board serial:// | serial://
3 | train airline --board serial:///dev/nonsense?lease=0 | nonsense
3 | train airline --board serial://folder | cannot
3 | train airline --board serial://text.txt | Inappropriate
2 | train airline --board socket:// | socket://
2 | train airline --board socket://localhost | socket://localhost
2 | train airline --board socket://localhost:x | socket://localhost:x
2 | train airline --board socket://localhost:0 | socket://localhost:0
2 | train airline --board socket://localhost:65536 | socket://localhost:65536
3 | train airline --board socket://127.0.0.1:1 | socket://127.0.0.1:1
2 | train airline --board socket://[::1:1 | Invalid IP
3 | train airline --board rfc2217://127.0.0.1:1 | rfc2217://127.0.0.1:1
3 | train airline --board dpe+socket://127.0.0.1:1 | Connection
2 | train airline --board dpe+serial:///dev/nonsense?line_pause=nan | dpe+serial:///dev/nonsen
2 | train airline --board dpe+emulator: | dpe+emulator:
2 | train airline --board http://localhost | http://localhost
2 | train airline --board '' | emulator
2 | train airline --board : | emulator
2 | train airline --board emulator:?chip=ideal --board emulator: --good there.h5 | --good
2 | transfer airline --tolerance x | tolerance
2 | transfer airline --tolerance -1 | tolerance
2 | transfer airline --tolerance nan | nan
2 | transfer airline --tolerance 0 | tolerance
2 | transfer airline --from nowhere.h5 | nowhere.h5
2 | transfer airline --from text.txt | text.txt
2 | transfer airline --from there.h5 | there.h5
2 | transfer airline --from folder | folder
2 | transfer airline --set method=in-situ | method=in-situ
2 | transfer airline --tolerance 1 --tolerance 2 | --tolerance
2 | sweep | airline-window
2 | sweep nonsense | nonsense
2 | sweep airline --seeds 0 | --seeds
2 | sweep airline --seeds -1 | --seeds
2 | sweep airline --seeds x | --seeds
2 | sweep airline --seeds 99999999999999 | 99999999999999
2 | sweep airline --first-seed -1 | --first-seed
2 | sweep airline --set chip.noise=0:1:0 | chip.noise=0:1:0
2 | sweep airline --set chip.noise=0:1:x | chip.noise=0:1:x
2 | sweep airline --set chip.noise=a:b:3 | chip.noise=a:b:3
2 | sweep airline --set chip.noise=0:1:3:log | chip.noise=0:1:3:log
2 | sweep airline --set chip.noise=1,1 | chip.noise=1,1
2 | sweep airline --set chip.noise=1, | chip.noise=1,
2 | sweep airline --set chip.noise=0:nan:3 | chip.noise=0:nan:3
2 | sweep airline --set chip.noise=0:1:99999999999 | chip.noise=0:1:999999999
2 | sweep airline --set chip.noise=0:1:2 --set chip.noise=3 | chip.noise
2 | sweep airline --set seed=3 | seed
2 | sweep airline --set nonsense=3 | no such setting
2 | sweep airline --out text.txt | text.txt
2 | sweep airline --workers 0 | --workers
2 | sweep airline --workers x | --workers
2 | characterize | read-noise
2 | characterize nonsense | nonsense
2 | characterize iv iv | procedure
2 | characterize iv --board ideal: | ideal:
2 | characterize iv --rows 200 | 200
2 | characterize iv --rows -1 | --rows
2 | characterize iv --rows 5:2 | 5:2
2 | characterize iv --rows x | --rows
2 | characterize iv --rows '' | example
2 | characterize iv --rows 0:999999999999 | 0:999999999999
2 | characterize iv --columns 64 | --columns
2 | characterize iv --cells 1 | --cells
2 | characterize iv --cells 1,2,3 | 1,2,3
2 | characterize iv --cells a,b | a,b
2 | characterize iv --cells 128,0 | 128,0
2 | characterize iv --cells -1,0 | -1,0
2 | characterize iv --mask nowhere.npy | nowhere.npy
2 | characterize iv --mask folder | folder
2 | characterize iv --mask text.txt | text.txt
2 | characterize iv --mask wide.npy | wide.npy
2 | characterize iv --mask float.npy | float.npy
2 | characterize iv --mask none.npy | --mask
2 | characterize iv --mask object.npy | object.npy
2 | characterize iv --mask empty.npy | empty.npy
2 | characterize iv --mask masked.npz | masked.npz
2 | characterize iv --set nonsense=1 | no such setting
2 | characterize iv --set maximum=9 | no such setting
2 | characterize iv --set chip=nonsense | chip=nonsense
2 | characterize set --set gate_maximum=nan | gate_maximum=nan
2 | characterize iv --seed x | --seed
2 | characterize iv --out there.h5 | there.h5
2 | characterize iv set --out text.txt | text.txt
2 | characterize iv --out nowhere/x.h5 | nowhere/x.h5
2 | characterize endurance | endurance
2 | characterize endurance --set cycles=-1 --rows 0:1 | cycles=-1
2 | characterize endurance --set cycles=x --rows 0:1 | cycles=x
2 | characterize iv --board emulator:?seed=1&seed=2 | emulator:?seed=1&seed=2
2 | characterize retention --set times=[] | no such setting
2 | characterize retention --set times=[3,2,1] | no such setting
2 | characterize retention --set times=x | no such setting
2 | characterize iv --gain 3 | --gain
2 | calibrate --passes 0 | --passes
2 | calibrate --passes x | --passes
2 | calibrate --target 0 | --target
2 | calibrate --target nan | nan
2 | calibrate --target inf | inf
2 | calibrate --target -1 | --target
2 | calibrate --seconds 0 | --seconds
2 | calibrate --seconds nan | nan
2 | calibrate --seed -1 | --seed
2 | calibrate --rows 0:3 | --rows
2 | calibrate --board ideal: | ideal:
2 | calibrate --board nonsense: | nonsense:
2 | calibrate --list --undo | --undo
2 | calibrate --use 0 | --use
2 | calibrate --use 99 | calibration
2 | calibrate --use x | --use
2 | calibrate --undo | nothing
2 | calibrate --out there.h5 | there.h5
2 | calibrate --out folder | folder
3 | calibrate --list --board serial:///dev/nonsense | nonsense
2 | read --gain 5 | --gain
2 | read --gain -1 | --gain
2 | read --gain x | --gain
2 | read --out there.npy | there.npy
2 | read --out there.h5 | there.h5
2 | read --out map.txt | map.txt
2 | read --out map | map
2 | read --out folder | folder
2 | read --out nowhere/map.npy | nowhere/map.npy
2 | read --rows 128 | 128
2 | read --rows 0:0 | 0:0
2 | read --mask wide.npy | wide.npy
3 | read --board serial:///dev/nonsense | nonsense
2 | read --board emulator:?rounding=nearest&rounding=nearest | emulator:?rounding=neare
2 | read --cells 3 | --cells
2 | read extra | extra
2 | program | Missing
2 | program nowhere.npy | nowhere.npy
2 | program folder | folder
2 | program text.txt | text.txt
2 | program empty.npy | empty.npy
2 | program wide.npy | wide.npy
2 | program object.npy | object.npy
2 | program complex.npy | complex.npy
2 | program words.npy | words.npy
2 | program bool.npy | bool.npy
2 | program nan.npy | nan.npy
4 | program inf.npy | targets
4 | program negative.npy | targets
4 | program huge.npy | targets
2 | program lies.npy | lies.npy
2 | program masked.npz | masked.npz
2 | program scalar.npy | scalar.npy
2 | program good.npy --tolerance nan | nan
2 | program good.npy --tolerance 0 | tolerance
2 | program good.npy --tolerance -1 | tolerance
2 | program good.npy --tolerance x | tolerance
2 | program good.npy --set attempts=0 | attempts=0
2 | program good.npy --set attempts=x | attempts=x
2 | program good.npy --set law=nonsense | law=nonsense
2 | program good.npy --set nonsense=1 | no such setting
2 | program good.npy --rows 999 | 999
2 | program good.npy --out there.h5 | there.h5
2 | program good.npy --out run.npy | run.npy
2 | program good.npy --out nowhere/x.h5 | nowhere/x.h5
2 | program good.npy --board nonsense: | nonsense:
3 | program good.npy --board serial:///dev/nonsense | nonsense
2 | program good.npy --mask none.npy | --mask
2 | program good.npy --cells 1,1 --cells 1,1 --out folder | folder
2 | vmm | VOLTAGES
2 | vmm nowhere.npy | nowhere.npy
2 | vmm folder | folder
2 | vmm text.txt | text.txt
2 | vmm empty.npy | empty.npy
2 | vmm wide.npy | wide.npy
2 | vmm object.npy | object.npy
2 | vmm complex.npy | complex.npy
2 | vmm words.npy | words.npy
4 | vmm nanv.npy | voltages
4 | vmm infv.npy | voltages
4 | vmm loud.npy | voltages
2 | vmm scalar.npy | scalar.npy
2 | vmm lies.npy | lies.npy
2 | vmm volts.npy --rows 0:3 | --rows
2 | vmm volts.npy --gain 7 | --gain
2 | vmm volts.npy --rows x | --rows
2 | vmm volts.npy --out there.npy | there.npy
2 | vmm volts.npy --out there.h5 | there.h5
2 | vmm volts.npy --out x.csv | x.csv
2 | vmm volts.npy --board nonsense: | nonsense:
2 | vmm volts.npy --columns 99 | --columns
2 | vmm volts.npy --board ideal:?rows=0 | ideal:?rows=0
2 | estimate | airline-window
2 | estimate nonsense | airline-window
2 | estimate airline gait | gait
2 | estimate airline iv | experiment
2 | estimate iv airline | procedure
2 | estimate airline --rows 3 | --rows
2 | estimate airline --arrays 0 | --arrays
2 | estimate airline --arrays x | --arrays
2 | estimate airline --floor-plan plan.txt | plan.txt
2 | estimate airline --floor-plan there.png | there.png
2 | estimate airline --floor-plan nowhere/plan.png | nowhere/plan.png
2 | estimate airline --floor-plan folder | folder
2 | estimate iv --floor-plan plan.png | --floor-plan
2 | estimate airline --board-profile nonsense | nonsense
2 | estimate airline --board-profile text.txt | text.txt
2 | estimate airline --board-profile folder | folder
2 | estimate airline --set link.baudrate=0 | link.baudrate=0
2 | estimate airline --set link.baudrate=nan | link.baudrate=nan
2 | estimate airline --preset nonsense | nonsense
2 | estimate iv --cells 999,0 | 999,0
2 | estimate airline --epochs -3 | --epochs
2 | runs nonsense | nonsense
2 | runs plot | Missing
2 | runs plot nowhere.h5 | nowhere.h5
2 | runs plot folder | folder
1 | runs plot text.txt | text.txt
1 | runs plot empty.h5 | empty.h5
1 | runs plot there.h5 | there.h5
2 | runs plot there.h5 --out x.txt | x.txt
2 | runs plot there.h5 --out there.png | there.png
2 | runs plot there.h5 --out nowhere/x.png | nowhere/x.png
2 | runs list nowhere | nowhere
2 | runs list --since yesterday | yesterday
2 | runs list --since 2026-02-03 --until 2026-02-02 | swapped
2 | runs list --seed x | x
2 | runs show | Missing
2 | runs show nowhere.h5 | nowhere.h5
1 | runs show text.txt | text.txt
1 | runs show plain.h5 | plain.h5
2 | runs watch nowhere.h5 | nowhere.h5
1 | runs watch empty.h5 | empty.h5
2 | runs watch plain.h5 --every nan | nan
2 | live nowhere.h5 | nowhere.h5
1 | live empty.h5 | empty.h5
1 | live plain.h5 | plain.h5
2 | live plain.h5 --port 70000 | --port
2 | live plain.h5 --host lab.example.com | 127.0.0.1
2 | runs diff nowhere.h5 there.h5 | nowhere.h5
1 | runs diff plain.h5 there.h5 | plain.h5
2 | runs diff there.h5 there.h5 --out x.txt | x.txt
2 | runs export nowhere.h5 | nowhere.h5
2 | runs export there.h5 --format xls | xls
1 | runs export text.txt | text.txt
2 | runs validate | Missing
2 | runs rescue nowhere.h5 | nowhere.h5
1 | runs rescue text.txt | text.txt
2 | runs resume nowhere.h5 | nowhere.h5
1 | runs resume text.txt | text.txt
1 | runs resume empty.h5 | empty.h5
1 | runs resume plain.h5 | plain.h5
1 | runs resume there.h5 | there.h5
2 | runs import nowhere.csv --out new.h5 | nowhere.csv
1 | runs import text.txt --out new.h5 | text.txt
1 | runs import empty.h5 --out new.h5 | empty.h5
1 | runs import plain.h5 --out new.h5 | plain.h5
2 | runs import text.txt | Missing
2 | runs import text.txt --out there.h5 | there.h5
2 | runs import text.txt --out nowhere/x.h5 | nowhere/x.h5
2 | report | Missing
2 | report nowhere.h5 | nowhere.h5
1 | report text.txt | text.txt
1 | report empty.h5 | empty.h5
1 | report plain.h5 | plain.h5
2 | report folder | folder
2 | report there.h5 --out there.npy | there.npy
2 | report there.h5 --out nowhere/x.html | nowhere/x.html
2 | report there.h5 --out folder | folder
2 | report there.h5 --figures text.txt | text.txt
1 | report there.h5 --figures nowhere/a/b --out x.html | there.h5
2 | chip nonsense | nonsense
2 | chip new text.txt | .toml
2 | chip new broken.toml | exists
2 | chip new chip.toml --chip nonsense | nonsense
2 | commission --board emulator: --yes | state=FILE
2 | commission --board ideal: --yes | ideal:
2 | sweep airline --board emulator:?state=new.h5 | one board
1 | read --board emulator:?state=text.txt | text.txt
2 | read --board emulator:?state= | state=
2 | read --board emulator:?lost=never | lost
1 | board serve --tcp 0 --state text.txt | text.txt
2 | chip show | Missing
2 | chip show nonsense | nonsense
1 | chip show text.txt | text.txt
2 | chip show folder | folder
2 | chip show deep.toml | deep.toml
2 | chip show ta-hfo2 --out x.png | --out
1 | chip show empty.h5 | empty.h5
2 | chip show broken.toml | broken.toml
2 | chip show latin.toml | latin.toml
2 | chip settle | CHIP_OR_SERIAL
2 | chip settle nonsense --board emulator: | nonsense
2 | chip settle passport.db | --board
2 | chip cell 1 2 | Missing
2 | chip cell x 2 --chip text.txt | integer
2 | chip cell 1 2 --chip nonsense | nonsense
1 | chip cell 1 2 --chip text.txt | text.txt
2 | chip cell 999 2 --chip passport.db | 999
2 | chip cell -1 2 --chip passport.db | No such op
2 | chip cell 1 2 --chip passport.db --last -1 | --last
2 | chip budget nonsense | nonsense
1 | chip budget text.txt --set 3 | text.txt
2 | chip budget passport.db --set -3 | budget
2 | chip budget passport.db --set x | budget
2 | chip budget passport.db --set nan | nan
2 | chip budget passport.db --energy inf | inf
2 | chip budget passport.db --set 1 --set 2 | --set
2 | chip fit there.h5 | Missing
2 | chip fit there.h5 --out there.h5 | there.h5
1 | chip fit there.h5 --out twin.toml | there.h5
1 | chip fit text.txt --out twin.toml | text.txt
2 | chip fit there.h5 --out nowhere/twin.toml | nowhere/twin.toml
1 | chip fit there.h5 --out twin.toml --base nonsense | there.h5
2 | chip fit there.h5 --out twin.toml --seed -1 | --seed
2 | chip fit text.txt --out twin.toml --half even | --column
2 | chip fit text.txt --out twin.toml --column gate=WL:V | gate_voltage
2 | chip fit text.txt --out twin.toml --column gate_voltage=WL:ohm | mV
2 | chip fit text.txt there.h5 --out twin.toml --column gate_voltage=WL:V | one table
2 | chip fit text.txt --out twin.toml --column gate_voltage=WL:V | conductance
1 | chip fit text.txt --out twin.toml --column gate_voltage=WL:V --column resistance=R:ohm | WL
1 | chip fit there.h5 --out twin.toml --column gate_voltage=WL:V --column resistance=R:ohm | WL
1 | chip compare ta-hfo2 text.txt --column time=t:s --column cell=c --column conductance=G:S | hello
2 | chip compare ta-hfo2 text.txt --half both | even
2 | chip compare | Missing
2 | chip compare nonsense there.h5 | nonsense
1 | chip compare ta-hfo2 text.txt | text.txt
1 | chip compare ta-hfo2 there.h5 | there.h5
2 | chip compare ta-hfo2 there.h5 --alpha 0 | --alpha
2 | chip compare ta-hfo2 there.h5 --alpha nan | nan
1 | chip compare ta-hfo2 there.h5 --out there.png | there.h5
1 | chip compare ta-hfo2 there.h5 --out nowhere/x.png | there.h5
2 | data nonsense | nonsense
2 | data fetch | gait-synthetic
2 | data fetch nonsense | nonsense
2 | data fetch gait --data folder | folder
2 | data path nonsense | nonsense
2 | data path gait --data folder | folder
2 | data path gait --data nowhere | nowhere
2 | data list extra | extra
2 | data widths nowhere out.npz | nowhere
1 | data widths folder out.npz | two persons
2 | data widths folder nowhere/out.npz | nowhere
2 | data widths folder out.npz --stride 0 | stride
2 | limits extra | extra
2 | limits --json --json | --json
2 | board nonsense | nonsense
2 | board info --board nonsense: | nonsense:
2 | board info --board ideal: | ideal:
2 | board info --board emulator:?seed=1&seed=2 | emulator:?seed=1&seed=2
3 | board info --board serial:///dev/nonsense | nonsense
3 | board info --board socket://127.0.0.1:1 | socket://127.0.0.1:1
2 | board ground --board nonsense: | nonsense:
2 | board ground --board ideal: | ideal:
3 | board ground --board serial:///dev/nonsense | nonsense
2 | board ground --board emulator:?seed=x | emulator:?seed=x
2 | board selftest --board ideal: | ideal:
3 | board selftest --board serial:///dev/nonsense | nonsense
2 | board bench --vectors 0 | --vectors
2 | board bench --calls 0 | --calls
2 | board bench --vectors x | --vectors
2 | board bench --board ideal: | ideal:
3 | board bench --board dpe+serial:///dev/nonsense | nonsense
2 | board list --board nonsense | nonsense
2 | board list --board emulator: --no-probe | emulator
2 | board serve | choose
2 | board serve --pty --tcp 7000 | --tcp
2 | board serve --tcp 65536 | 65536
2 | board serve --tcp x | --tcp
2 | board serve --tcp -1 | --tcp
2 | board serve --tcp 7000 --link x | --link
2 | board serve --pty --chip nonsense | nonsense
2 | board serve --pty --chip folder | folder
2 | board serve --pty --seed -1 | --seed
2 | board serve --pty --dialect morse | morse
2 | board serve --pty --baud 1 | --baud
2 | board serve --pty --log nowhere/log | nowhere/log
2 | board serve --pty --log folder | folder
2 | board serve --pty --link there.h5 | there.h5
2 | board serve --pty --link nowhere/link | nowhere/link
"""

ROWS = [tuple(part.strip() for part in line.split(" | ")) for line in TABLE.strip().splitlines()]

SHAPE = (128, 64)


def _files(directory: Path) -> None:
    """Make what the rows name: files that are there, and such that are not what they should be."""
    (directory / "folder").mkdir()
    for name, data in {
        "text.txt": b"hello\n",
        "there.png": b"a picture",
        "there.h5": b"",
        "empty.h5": b"",
        "empty.npy": b"",
        "deep.toml": b"a=" + b"[" * 20000 + b"]" * 20000,
        "broken.toml": b"a = = 3",
        "latin.toml": b'a = "\xe9"',
    }.items():
        (directory / name).write_bytes(data)
    arrays: dict[str, npt.ArrayLike] = {
        "there": np.zeros(3),
        "wide": np.ones((3, 3), bool),
        "float": np.ones(SHAPE),
        "none": np.zeros(SHAPE, bool),
        "bool": np.ones(SHAPE, bool),
        "complex": np.ones(SHAPE, complex),
        "words": np.full(SHAPE, "x"),
        "nan": np.full(SHAPE, np.nan),
        "inf": np.full(SHAPE, np.inf),
        "negative": np.full(SHAPE, -1e-4),
        "huge": np.full(SHAPE, 1e300),
        "good": np.full(SHAPE, 2e-4),
        "scalar": np.float64(3),
        "volts": np.full((2, 128), 0.1),
        "nanv": np.full((2, 128), np.nan),
        "infv": np.full((2, 128), np.inf),
        "loud": np.full((2, 128), 5.0),
    }
    for name, values in arrays.items():
        np.save(directory / f"{name}.npy", values)
    np.save(directory / "object.npy", np.array([{}, None], dtype=object), allow_pickle=True)
    np.savez(directory / "masked.npz", a=np.ones(SHAPE, bool))
    # A header that says 7 TiB, and 64 bytes.
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    np.lib.format.write_array_header_1_0(header, described)
    (directory / "lies.npy").write_bytes(header.getvalue() + bytes(64))
    with h5py.File(directory / "plain.h5", "w") as file:
        file["x"] = [1, 2]
    Passport(directory / "passport.db", SHAPE, chip="chip", board="board").close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("wrong")
    _files(directory)
    before = Path.cwd()
    os.chdir(directory)
    yield directory
    os.chdir(before)


def _content(directory: Path) -> dict[str, str]:
    """Return all files and their digests, but locks and empty directories."""
    return {
        str(path.relative_to(directory)): sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.mark.parametrize(("code", "command", "word"), ROWS, ids=[row[1] for row in ROWS])
def test_a_wrong_input_is_one_line_and_touches_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], code: str, command: str, word: str
) -> None:
    before = _content(place)
    got, out, err = in_process(capsys, *shlex.split(command))
    assert (got, out) == (int(code), ""), err
    assert err.startswith("memlab: ")
    assert err.count("\n") == 1
    assert word in err
    assert "--debug" not in err, "an error that nobody foresaw"
    assert _content(place) == before


def test_the_table_has_two_hundred_rows_and_every_command(
    every_command: Callable[[], list[str]],
) -> None:
    assert len({command for _, command, _ in ROWS}) == len(ROWS) >= 200
    for name in every_command():
        assert any(command.startswith(name) for _, command, _ in ROWS), name
