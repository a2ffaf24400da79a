"""The journal of a board and what a host concludes from it, with counts that all differ."""

import numpy as np
import pytest
from support.loopback import cold_reset, warm_reset

from firmware_protocol.errors import RefusedError
from firmware_protocol.journal import Entry, Journal, Memory, Verdict, judge
from firmware_protocol.messages import (
    JOURNAL_RECORDS,
    LAST_OPERATION,
    OPERATION_STEP,
    ErrorCode,
    Phase,
)


class TestAccepting:
    def test_numbers_rise_and_do_not_leap(self) -> None:
        journal = Journal(op_hw=10)
        for op in (10, 3):
            with pytest.raises(RefusedError) as refused:
                journal.accept(op, 1, 0.0)
            assert refused.value.code == ErrorCode.OP_REUSED
        with pytest.raises(RefusedError) as refused:
            journal.accept(10 + OPERATION_STEP + 1, 1, 0.0)
        assert refused.value.code == ErrorCode.RANGE
        assert (journal.op_hw, len(journal.entries)) == (10, 0), "nothing was entered"
        journal.accept(10 + OPERATION_STEP, 1, 0.0)
        assert journal.op_hw == 10 + OPERATION_STEP
        with pytest.raises(RefusedError) as refused:
            journal.accept(LAST_OPERATION + 1, 1, 0.0)
        assert refused.value.code == ErrorCode.RANGE
        journal.accept(LAST_OPERATION, 1, 0.0)

    def test_an_entry_has_its_session_and_the_time_in_microseconds(self) -> None:
        entry = Journal().accept(4, 0xABCD, 5000.25)
        assert entry == Entry(4, 0xABCD, 5_000_250_000 - 2**32, Phase.ACCEPTED, 0, 0, 0)

    def test_the_oldest_is_dropped_and_named(self) -> None:
        journal = Journal()
        for op in range(2, 2 * JOURNAL_RECORDS + 2, 2):
            journal.accept(op, 1, 0.0)
        assert (len(journal.entries), journal.lost_op) == (JOURNAL_RECORDS, 0)
        journal.accept(2 * JOURNAL_RECORDS + 7, 1, 0.0)
        assert (len(journal.entries), journal.lost_op) == (JOURNAL_RECORDS, 2)
        assert journal.find(2) is None
        assert journal.find(4) is journal.entries[0]


def test_records_begin_at_the_number_asked_for_and_end_at_the_limit() -> None:
    journal = Journal()
    for op in (3, 5, 8, 13):
        entry = journal.accept(op, op + 100, op * 1e-6)
        entry.started, entry.done, entry.err = op + 2, op + 1, op + 4
        entry.phase = Phase.FIRING
    records = journal.records(5, 2)
    assert records["op"].tolist() == [5, 8]
    assert journal.records(6, 9)["op"].tolist() == [8, 13]
    assert records["sess"].tolist() == [105, 108]
    assert records["started"].tolist() == [7, 10]
    assert records["done"].tolist() == [6, 9]
    assert records["err"].tolist() == [9, 12]
    assert records["phase"].tolist() == [Phase.FIRING] * 2
    assert records["t_us"].tolist() == [5, 8]


def test_only_what_was_open_is_closed() -> None:
    journal = Journal()
    for op, phase in enumerate(Phase, 1):
        journal.accept(op, 1, 0.0).phase = phase
    journal.close_open_entries(77)
    for entry, phase in zip(journal.entries, Phase, strict=True):
        was_open = phase in (Phase.ACCEPTED, Phase.FIRING)
        assert entry.phase == (Phase.ABORTED if was_open else phase)
        assert entry.err == (77 if was_open else 0)


def test_a_warm_reset_keeps_the_journal_and_a_cold_one_loses_it() -> None:
    memory = Memory(boots=5, boot_id=3, last_session=0x1234)
    memory.journal.accept(9, 1, 0.0)
    warm = warm_reset(memory)
    assert (warm.boots, warm.boot_id, warm.last_session) == (6, 3, 0x1234)
    assert warm.journal is memory.journal
    assert warm.journal.entries[0].phase == Phase.ABORTED
    assert warm.journal.entries[0].err == ErrorCode.ABORTED
    cold = cold_reset(memory)
    assert (cold.boots, cold.boot_id, cold.last_session) == (6, 6, 0x600)
    assert (cold.journal.op_hw, len(cold.journal.entries)) == (0, 0)
    assert Memory(boots=0x1FF).last_session == 0xFF00


class TestVerdicts:
    JOURNAL = Journal()
    for _op, _started, _done in ((20, 4, 4), (21, 3, 2), (22, 0, 0), (23, 2, 3), (24, 9, 4)):
        _entry = JOURNAL.accept(_op, 7, 0.0)
        _entry.started, _entry.done = _started, _done

    def judge(self, op: int, sess: int = 7, sent: int = 5, lost: int = 15) -> Verdict:
        return judge(op, 4, sess, sent, 5, lost, self.JOURNAL.records(0, 99))

    @pytest.mark.parametrize(
        ("op", "done", "unknown"),
        [
            (20, 4, []),
            (21, 2, [2]),
            (22, 0, []),
            (23, 0, [0, 1, 2, 3]),  # more done than started
            (24, 0, [0, 1, 2, 3]),  # more started than there are
            (25, 0, []),  # never arrived
            (16, 0, []),
            (15, 0, [0, 1, 2, 3]),  # its record may have been dropped
        ],
    )
    def test_by_its_record(self, op: int, done: int, unknown: list[int]) -> None:
        verdict = self.judge(op)
        assert (verdict.total, verdict.done) == (4, done)
        assert list(verdict.unknown) == unknown
        assert (verdict.started == 0) == (done == 0 and not unknown)

    def test_another_sessions_record_says_nothing(self) -> None:
        assert self.judge(20, sess=6).started == 0
        assert list(self.judge(20, sess=6, lost=20).unknown) == [0, 1, 2, 3]

    def test_a_journal_that_was_lost_says_nothing(self) -> None:
        assert list(self.judge(20, sent=4).unknown) == [0, 1, 2, 3]

    def test_several_records_are_told_apart(self) -> None:
        records = np.concatenate([self.JOURNAL.records(0, 99)] * 2)
        records["sess"][: len(records) // 2] = 6
        records["done"][: len(records) // 2] = 0
        assert judge(20, 4, 7, 5, 5, 0, records).done == 4
        assert judge(20, 4, 6, 5, 5, 0, records).done == 0
