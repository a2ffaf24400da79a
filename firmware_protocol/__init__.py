"""The wire between host and board, without any I/O: bytes go in, events come out.

Two dialects. MLP/1 is ours: binary, framed, sequenced, described once in spec/mlp.toml. DPE is the
ASCII dialect of the published board. No module here opens a port, reads a clock or starts a thread;
time is an argument, so both ends run in tests in simulated time exactly as they run on a bench.

The shortest complete example, both ends joined in simulated time, is `tests/support/loopback.py`.
Bottom up, each needing only what stands above it in this list:

- `messages` (generated), `codec`, `framing`, `vectors`: what the bytes mean.
- `streams`, `configuration`, `journal`: the parts that both ends share.
- host: `host_events`, `request_window`, `host` (the link), `operations` (read, VMM, job), `answers`
  (what a board says of itself, checked).
- board: `device` (the link), `machine` (states, watchdog, lease), `executor` (what the hardware
  must do), `tasks`, `measuring`, `programming`, `service` (one handler per request), `firmware`.
- `dpe` and `dpe_link`: the ASCII dialect, both ends.

A driver owns a port, a clock, a thread and the ledger of operation numbers. It feeds a `HostLink`,
writes what `data_to_send` returns, and runs an `operations.Operation` at a time; for pulses whose
link went down it opens a new session, sends READ_JOURNAL and asks `journal.judge`. It sends RENEW
when, and only when, the user's thread calls. A virtual board owns a port and a clock too; it gives
`Firmware` an `Executor` and feeds it. Checks of limits, order and repetition are all in here.
"""
