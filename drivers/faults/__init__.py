"""What goes wrong on purpose, for people who test what their programs do then.

A URL asks for it, and whatever opens boards by URL can be tested: a script, a command, a sweep.

    emulator:?chip=ideal&fault.drop_after=100
    socket://127.0.0.1:5025?fault.rate=1e-4&fault.kinds=flip,drop

On every board:

fault.drop_after=N       the line dies in call N + 1: the request leaves, its answer is lost. Calls
                         are those that configure, read, multiply or pulse; to ground is none
fault.delay=S            each of these calls takes S seconds longer
fault.stuck_column=C     the ADC of column C gives one code, whatever flows: fault.stuck_code=32768

On a board behind a line:

fault.drop_time=S        the line is back after S seconds, as a cable that is plugged in again
fault.silent_after=N     from call N + 1 on nothing comes through, and the port does not notice
fault.rate=R             faults per byte, in both directions, of fault.kinds=flip,drop,duplicate,
                         insert,burst,delay,stall,half-open (all of them by default; see `line`),
                         drawn by fault.seed=0

On an emulated board, in its URL or with `memlab board serve --fault NAME=VALUE`, which also takes
delay, stuck_column and stuck_code:

fault.brown_out_after=N  the supply fails as row-pulse N + 1 begins, which does nothing to its
                         cells, though nobody can know; the board grounds and latches SUPPLY

Nothing is imitated that a line can do by itself: the driver of a wire finds its line dead, connects
again and asks the journal as it always does. An emulated board in process has no line; it raises
what a driver would have raised: `TransportError`, `PulseOutcomeUnknown`, `SupplyError`. Half of the
pulses of the call in which its line dies were fired.

The name of a faulty board says what is wrong with it, and so do its run files: in the URL, and in
`board.name` of the instrument.
"""
