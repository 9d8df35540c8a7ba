"""The journal: torn tails heal, damage is named, a changed question is refused, a full disk loses nothing."""

import errno
import os

import pytest

from agents.errors import UserError
from agents.requests import Generate, Message, Reply, Score, Scores, request_digest
from sim import journal as journal_module
from sim.engines.base import Finished, Ticket, Usage
from sim.engines.replay import ReplayEngine, find_journals
from sim.journal import Journal, JournalMismatch, read_records

HEADER = {"seed": 1, "stage": "t"}


def ticket(number: int, text: str = "q") -> Ticket:
    request = Generate(messages=(Message("user", f"{text}{number}"),), purpose="t/q.v1")
    out = Ticket(request, f"t/s{number}", 0, 1)
    out.digest = request_digest(request)
    return out


def finished(number: int) -> Finished:
    t = ticket(number)
    reply = Reply(text=f"answer {number} \u2603\n", identity=t.key, num_tokens=3, logps=(-0.5, -1.25))
    return Finished(t, reply, Usage(10, 4, 3, 0.25))


def written(path, num=4):
    with_journal = Journal(path, header=HEADER)
    for number in range(num):
        with_journal.append([finished(number)])
    with_journal.close()
    return path.read_bytes()


def test_what_was_written_is_read_back_whole(tmp_path):
    path = tmp_path / "j.jsonl"
    score = Score(messages=(), options=("a", "b"), purpose="t/s.v1")
    t = Ticket(score, "t/x", 3, 1)
    t.digest = request_digest(score)
    scores = Scores(options=("a", "b"), logp=((-0.1, -2.5), (-0.3, -1.5)), identity=t.key, num_tokens=(1, 1))
    written(path)
    journal = Journal(path, header=HEADER)
    journal.append([Finished(t, scores, Usage(1, 0, 1, 0.5))])
    journal.close()
    journal = Journal(path, header=HEADER, readonly=True)
    assert journal.num_loaded == 5
    assert journal.lookup(t.key, t.digest) == (scores, Usage(1, 0, 1, 0.5))
    assert journal.lookup("t/s2#0", ticket(2).digest) == (finished(2).result, finished(2).usage)
    assert journal.lookup("t/s9#0", "") is None


def test_a_tail_torn_at_any_byte_is_cut_off_and_owed_again(tmp_path):
    path = tmp_path / "j.jsonl"
    data = written(path)
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(last, len(data)):
        path.write_bytes(data[:length])
        journal = Journal(path, header=HEADER)
        assert journal.num_loaded == 3
        assert journal.lookup("t/s3#0", ticket(3).digest) is None
        journal.append([finished(3)])
        journal.close()
        assert path.read_bytes() == data


def test_a_header_torn_at_any_byte_starts_afresh(tmp_path):
    path = tmp_path / "j.jsonl"
    data = written(path, num=0)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        Journal(path, header=HEADER).close()
        assert path.read_bytes() == data


def test_damage_in_the_middle_names_the_line(tmp_path):
    path = tmp_path / "j.jsonl"
    data = bytearray(written(path))
    at = data.find(b"answer 1")
    data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="damaged at line 3"):
        Journal(path, header=HEADER)


def test_a_changed_question_names_the_step(tmp_path):
    path = tmp_path / "j.jsonl"
    written(path)
    journal = Journal(path, header=HEADER)
    with pytest.raises(JournalMismatch, match="t/s1#0"):
        journal.lookup("t/s1#0", ticket(1, "another").digest)
    journal.close()


def test_other_settings_are_listed_with_both_values(tmp_path):
    path = tmp_path / "j.jsonl"
    written(path)
    with pytest.raises(UserError, match="seed: 1 there, 2 now"):
        Journal(path, header={**HEADER, "seed": 2})


@pytest.mark.parametrize("num_bytes", [0, 1, 40])
def test_a_full_disk_is_a_user_error_and_leaves_whole_records(tmp_path, monkeypatch, num_bytes):
    path = tmp_path / "j.jsonl"
    data = written(path)
    journal = Journal(path, header=HEADER)
    real, left = os.write, [num_bytes]

    def write(fd, view):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        num, left[0] = left[0], 0
        return real(fd, bytes(view)[:num])

    monkeypatch.setattr(journal_module.os, "write", write)
    with pytest.raises(UserError, match="disk is full"):
        journal.append([finished(7), finished(8)])
    monkeypatch.setattr(journal_module.os, "write", real)
    assert path.read_bytes() == data
    journal.append([finished(7)])
    journal.close()
    assert len(list(read_records(path))) == 5


def test_replay_answers_from_the_journal_and_names_what_is_missing(tmp_path):
    folder = tmp_path / "run" / "journal"
    folder.mkdir(parents=True)
    written(folder / "t.jsonl")
    engine = ReplayEngine(find_journals(tmp_path / "run"))
    engine.submit([ticket(2), ticket(0)])
    assert [f.result.text for f in engine.poll()] == ["answer 2 \u2603\n", "answer 0 \u2603\n"]
    engine.submit([ticket(9)])
    with pytest.raises(UserError, match=r"t/s9#0"):
        engine.poll()
    engine.submit([Ticket(ticket(1, "changed").request, "t/s1", 0, 1)])
    with pytest.raises(JournalMismatch, match=r"t/s1#0"):
        engine.poll()
    engine.close()
    with pytest.raises(UserError, match="no journal at"):
        find_journals(tmp_path / "elsewhere")
