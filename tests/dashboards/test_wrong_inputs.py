"""Wrong inputs, as people give them: three lines that say what, why and what to do; no traceback, no file touched."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agents.errors import UserError
from sim.cli import main, perform
from sim.session import Session

POOL = "id,gender,age\n" + "".join(f"p{n},{'fm'[n % 2]},{'young' if n % 3 else 'old'}\n" for n in range(12))
QUOTAS = "feature,value,min,max\ngender,f,2,3\ngender,m,2,3\nage,young,1,4\nage,old,1,4\n"
INVITED = "id,letter,p_letter,p_respond,p_pool\n" + "".join(f"p{n},{int(n != 5)},.5,.5,.25\n" for n in range(12))
BY_ROW = "id,letter,p_letter,p_respond,p_pool\n" + "".join(f"row {n},1,.5,.5,.25\n" for n in range(1, 13))
ADDRESSES = "id,district\n" + "".join(f"p{n},{'north' if n % 2 else 'south'}\n" for n in range(12))
CODES = (
    "turn,speaker,judge,participation,justification,content,respect_groups,respect_demands,counterarguments,"
    "constructive_politics\nt1,Ada,anna,1,2,2a,1,1,2,0\n"
)
CARDS = [{"id": "a", "title": "A", "policies": ["x"]}, {"id": "b", "title": "B", "policies": ["y"]}]
COUNTS = {"markedWiser": 3, "markedNotWiser": 1, "markedUnsure": 0, "markedLessWise": 0, "impressions": 5}
FILES = {
    "pool.csv": POOL,
    "pool_no_id.csv": "\n".join(line.partition(",")[2] for line in POOL.splitlines()),
    "pool_semicolons.csv": POOL.replace(",", ";"),
    "pool_twice.csv": POOL + "p0,f,old\n",
    "pool_cut.csv": POOL + '"p12,f,ol',
    "quotas.csv": QUOTAS,
    "quotas_impossible.csv": QUOTAS.replace("f,2,3", "f,5,6"),
    "quotas_unjoined.csv": QUOTAS + "gender & age,f,1,2\n",
    "invited.csv": INVITED,
    "invited_by_row.csv": BY_ROW,
    "addresses.csv": ADDRESSES,
    "shares_endless.csv": "stratum,share\nnorth,inf\nsouth,.5\n",
    "shares_one.csv": "stratum,share\nnorth,1\nsouth,0\n",
    "empty.csv": "",
    "orders.csv": "rank1,rank2\nA,B\nB,A\n",
    "orders_cut.csv": 'rank1,rank2\nA,B\n"B,A',
    "head.soi": "# NUMBER ALTERNATIVES: three\n1: 1,2,3\n",
    "approvals.csv": "id,A,B\n1,1,0\n2,0,1\n",
    "costs.csv": "candidate,cost\nA,10\nD,5\n",
    "pairs.csv": "option_a,option_b,p_a\nA,B,.7\nB,C,.6\nA,C,.8\n",
    "pairs_semicolons.csv": "option_a;option_b;p_a\nA;B;.7\n",
    "about_twice.csv": "option,good,amount\nA,apples,1\nA,apples,2\n",
    "codes.csv": CODES,
    "codes_twice.csv": CODES + CODES.splitlines()[1] + "\n",
    "policies.json": json.dumps({"cards": [{"id": "a", "policies": 3}], "edges": [{"from": "a", "to": "a"}]}),
    "summary.json": json.dumps(
        {"values": CARDS, "edges": [{"sourceValueId": "a", "wiserValueId": "zz", "counts": COUNTS}]}
    ),
    "polis/participants-votes.csv": "participant;group-id;0;1\n1;0;1;-1\n",
}
SORT = "sortition pool.csv quotas.csv --size 5"
CASES = [
    ("sortition nowhere.csv quotas.csv --size 5", "nowhere.csv cannot be read", "No such file", "check the path"),
    ("sortition empty.csv quotas.csv --size 5", "empty.csv is empty", "nobody", "give a CSV"),
    ("sortition pool_twice.csv quotas.csv --size 5", "stand twice", "two chances", "remove"),
    ("sortition pool_semicolons.csv quotas.csv --size 5", "separated by semicolons", "one column", "with commas"),
    ("sortition pool_cut.csv quotas.csv --size 5", "no whole CSV", "unexpected end", "its end"),
    ("sortition pool.csv quotas_impossible.csv --size 5", "No panel of 5", "add up to 7", "lower the minimum"),
    (f"{SORT} --algorithm leximn", '"leximn" is no choice of --algorithm', "leximin, maximin", '"leximin"?'),
    (f"{SORT} --draw-seed soon", '--draw-seed is "soon"', "a whole number", "give --draw-seed"),
    (f"{SORT} --rounds 0", "--rounds 0 is out of range", "least is 1", "leave it out"),
    (f"{SORT} --plot nowhere/chart.svg", "cannot be written", "no folder nowhere", "mkdir -p nowhere"),
    (f"{SORT} --alternates 50", "50 alternates", "7 others", "7 or fewer"),
    ("sortition pool_no_id.csv quotas.csv --size 5 --invited invited_by_row.csv",
     "no column of ids", "row number", "add a column"),
    (f"{SORT} --invited invited.csv", "got no letter, such as 'p5'", "another way", "out of the pool"),
    ("invite addresses.csv --letters 99 --response .1", "99 letters", "one letter at most", "from 1 to 12"),
    ("invite addresses.csv --letters 6 --response .1 --by district --shares shares_endless.csv",
     "the share is 'inf'", "part of all letters", "from 0 on"),
    ("invite addresses.csv --letters 9 --response .1 --by district --shares shares_one.csv",
     "Stratum north would get 9.0", "at most", "fewer letters"),
    ("invite pool.csv --letters 6 --response .1 --quotas quotas_unjoined.csv",
     "joins 2 features", "one value", "joined"),
    ("invite addresses.csv", "--letters", "cannot begin", "--help"),
    ("vote empty.csv --kind orders", "empty.csv is empty", "no header", "give a CSV"),
    ("vote orders_cut.csv --kind orders", "no whole CSV", "unexpected end", "its end"),
    ("vote pool_semicolons.csv --kind score", "separated by semicolons", "one column", "with commas"),
    ("vote orders.csv --kind orders --rules bordaa", "bordaa", "plurality", '"borda"?'),
    ("vote head.soi", "for a number", "how many", "correct the line"),
    ("vote approvals.csv --kind approval --id id --costs costs.csv --budget 9",
     '"D" is no candidate', "A, B", "choose one"),
    ("polis polis", "separated by semicolons", "one column", "with commas"),
    ("polis polis --agree 2", '"2" is no choice of --agree', "1, -1", "choose one"),
    ("moralgraph policies.json", "policies of card 1", "texts in a list", "give {"),
    ("moralgraph summary.json", '"zz", which is no card', "must be the id", "add the card"),
    ("utilities empty.csv", "empty.csv is empty", "no pair", "pairwise"),
    ("utilities pairs_semicolons.csv", "separated by semicolons", "one column", "with commas"),
    ("utilities pairs.csv --csv nowhere/u.csv", "cannot be written", "no folder nowhere", "mkdir -p nowhere"),
    ("utilities pairs.csv --about about_twice.csv", 'describes "A" again', "count twice", "keep one"),
    ("dqi codes_twice.csv", "a second time", "first time", "keep one"),
    ("dqi codes.csv --scales justificaton", "No scale", "justification", '"justification"?'),
    ("audit", "needs a run and --out", "one file", "--verify FILE"),
    ("audit nowhere --out gone/audit.json", "cannot be written", "no folder gone", "mkdir -p gone"),
    ("audit --verify nowhere.json", "cannot be read", "No such file", "check the path"),
    ("audit --verify summary.json", "is no audit", "lacks 'format'", "folkmoot audit RUN"),
    ("release biuld x", '"biuld" is no action', "build, verify", '"build"?'),
    ("release verify", "was given nothing", "it takes RELEASE", "folkmoot release verify RELEASE"),
    ("release build polis --really", "--really means nothing", "option of push", "leave it out"),
    ("release build nowhere", "no run folder nowhere", "nothing of that name", "folkmoot ls"),
    ("dash pool.csv", "pool.csv is a file", "runs are folders", "give the folder"),
    ("run socety.rule=borda --dry-run", "socety is not a config key", "nothing reads it", '"society"?'),
    ("run experiment=dmo --dry-run", "experiment=dmo", "there are:", '"demo"?'),
    ("run engine=scripted population.size=0 --dry-run", "population.size = 0", "whole number", "1 or more"),
    ("run engine=scripted population=gss_microdata population.path=nowhere.csv",
     "population.path = nowhere.csv is no file", "Nothing is there", "set population.path"),
]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all files, which is the working directory."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("command", "given", "why", "fix"), CASES, ids=[case[0] for case in CASES])
def test_a_wrong_input_is_explained(
    command: str, given: str, why: str, fix: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = held(desk)
    assert main(command.split()) == 2
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert [line[:6] for line in lines[-2:]] == ["Why:  ", "Do:   "], lines
    assert given in lines[-3] and why in lines[-2] and fix in lines[-1], lines
    assert printed.out == ""
    assert held(desk) == before


def test_a_refusal_in_the_middle_of_a_run_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}
    session = SimpleNamespace(run=SimpleNamespace(folder=tmp_path, write_status=lambda **fields: told.update(fields)))

    def refused(_: object) -> None:
        raise UserError("The disk is full.", "the journal could not be written.", "make room.")

    monkeypatch.setattr(perform, "carry_out", refused)
    with pytest.raises(UserError) as caught:
        perform.guarded(cast(Session, session), as_json=False)
    assert caught.value.fix == f"make room; then: folkmoot resume {tmp_path}"
    assert told == {"state": "failed", "why": "The disk is full."}


def test_the_two_stages_of_a_civic_lottery_fit_together(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "invite pool.csv --letters 11 --response .5 --quotas quotas.csv --size 5 --out letters"
    assert main(words.split()) == 0
    rows = [line.split(",") for line in (desk / "letters" / "invited.csv").read_text("utf-8").splitlines()[1:]]
    invited = {row[0] for row in rows if row[1] == "1"}
    head, *people = POOL.splitlines()
    answered = [line for line in people if line.partition(",")[0] in invited]
    assert len(answered) == 11
    (desk / "answered.csv").write_text("\n".join([head, *answered]), encoding="utf-8")
    words = "sortition answered.csv quotas.csv --size 5 --invited letters/invited.csv --out lottery"
    assert main(words.split()) == 0
    drawn = [line.split(",") for line in (desk / "lottery" / "probabilities.csv").read_text("utf-8").splitlines()]
    place = {name: n for n, name in enumerate(drawn[0])}
    for row in drawn[1:]:
        seat, in_pool = float(row[place["probability"]]), float(row[place["p_pool"]])
        assert in_pool == pytest.approx(11 / 12 * 0.5)
        assert float(row[place["end_to_end"]]) == pytest.approx(seat * in_pool)
    assert "from end to end" in capsys.readouterr().out
