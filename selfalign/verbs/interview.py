"""`folkmoot interview`: talk with a policy of a run, by itself or as one of the run's people, apart from the run."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.seam import Verb

if TYPE_CHECKING:
    from sim.engines.base import PolicyRef
    from sim.interview import Interview
    from sim.interviewer import Patience
    from sim.session import Session
    from societies.seam import Memories

EPILOG = """examples:
  folkmoot interview RUN                                              (the policy by itself)
  folkmoot interview RUN --persona r1.play/assembly-0000.full:c003    (a citizen, who knows what they perceived)
  folkmoot interview RUN --persona p0012 --policy p1                  (somebody of the population, by the policy p1)
  folkmoot interview RUN --files                                      (questions come as files, as the dashboard does)

An empty line, Ctrl-D or Ctrl-C ends it. The transcript is in RUN/interviews/, and in nothing that the run wrote: no
number of the run, no sample and no release ever contains it. What is answered is simulated; it is nobody's opinion.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--persona", default="", metavar="WHO", help="SCRIPT:AGENT, or an id of the population")
    parser.add_argument("--policy", default="", metavar="NAME", help="who answers (default: as in the run, else base)")
    parser.add_argument("--files", action="store_true", help="read questions from the interview's folder alone")
    parser.add_argument("--id", default="", metavar="ID", help="name of the interview's folder (default: a new one)")
    parser.add_argument("--idle", type=float, default=10.0, metavar="MIN", help="end after MIN minutes of silence")
    parser.add_argument(
        "--minutes", type=float, default=60.0, metavar="MIN", help="end after MIN minutes at the latest"
    )


def _run(args: argparse.Namespace) -> int:
    from agents.errors import UserError
    from sim.interview import ENDED, OPENING, Interview, new_name
    from sim.interviewer import Patience, whom
    from sim.session import Session

    session = Session.reopen(args.run)
    patience = Patience(idle_s=60 * args.idle, most_s=60 * args.minutes)
    _check_engine(session)
    who = whom(session.run, session.society, lambda: session.personas, args.persona)
    policy = args.policy or who.policy
    ref = _policy(session, policy)
    interview = Interview.at(session.run.folder, args.id or new_name())
    interview.open(_about(session, who, args.persona, policy, patience))
    interview.beat(OPENING, pid=os.getpid())
    why = "it broke"
    try:
        why = _talk(session, interview, who, ref, patience, files=args.files)
    except UserError as error:
        why = error.given
        raise
    finally:
        interview.beat(ENDED, pid=os.getpid(), why=why)
    print(f"The interview has ended: {why}. Transcript: {interview.folder / 'transcript.jsonl'}", file=sys.stderr)
    return 0


def _check_engine(session: Session) -> None:
    """Refuse an engine that can answer nothing new, and another model than the run's."""
    from agents.errors import UserError

    if session.engine_kind.name == "replay":
        raise UserError(
            "A replayed run cannot be interviewed.",
            "its engine has only the answers of its journal.",
            "interview the run whose journal it was",
        )
    there = session.run.manifest.get("model") or {}
    if session.model is not None and there.get("digest") not in (None, session.model.digest):
        raise UserError(
            f"The model {session.model.name} is not the one that this run was made with.",
            f"its digest is {session.model.digest[:12]}, the run's is {str(there['digest'])[:12]}.",
            "install the run's model again: folkmoot model pull",
        )


def _policy(session: Session, name: str) -> PolicyRef:
    from agents.errors import UserError
    from selfalign.policy.store import PolicyStore
    from sim.engines.seated import is_human

    if is_human(name):
        raise UserError(
            "A person had this seat.", "no policy can answer for what a person thought.", "name one with --policy base"
        )
    if name in session.config.policies:
        (ref,) = session.named_as({name: session.config.policies[name]})
        return ref
    return PolicyStore(session.run.folder / "policies").ref(name)


def _about(session: Session, who: Memories, persona: str, policy: str, patience: Patience) -> dict[str, Any]:
    from agents.interview import PROMPT
    from agents.prompts import prompt_digest
    from sim.store import utc_now

    return {
        "persona": persona,
        "name": who.name,
        "card": who.card,
        "perceived": list(who.perceived),
        "policy": policy,
        "engine": session.engine_kind.name,
        "model": session.model.name if session.model else "",
        "scripted": session.answering.name == "scripted",
        "prompt": {"name": f"agents/{PROMPT}", "digest": prompt_digest("agents", PROMPT)},
        "begun": utc_now(),
        "idle_minutes": patience.idle_s / 60,
        "most_minutes": patience.most_s / 60,
        "note": "Simulated, and apart from the run: in none of its numbers, samples or releases. Nobody's opinion.",
    }


def _talk(
    session: Session, interview: Interview, who: Memories, ref: PolicyRef, patience: Patience, *, files: bool
) -> str:
    from agents.errors import UserError
    from sim.engines.base import EngineDied
    from sim.interviewer import Interviewed, Lines
    from sim.session import BASE

    print(f"Opening the engine {session.engine_kind.name}. Interview {interview.folder.name}.", file=sys.stderr)
    engine = session.open_engine((BASE,) if ref.name == BASE.name else (BASE, ref))
    try:
        someone = Interviewed(
            interview=interview, engine=engine, who=who, policy=ref.name, run_seed=session.seed, patience=patience
        )
        if not files:
            _introduce(session, who, ref.name)
            lines = Lines(sys.stdin, lambda words: _ask(interview, words), interview.end)
            someone.look = lines.look
            someone.told = lambda number, question, answer: print(f"\n{who.name}: {answer}\n", flush=True)
        return someone.listen()
    except EngineDied as died:
        raise UserError(
            "The engine stopped working in the middle of the interview.",
            str(died),
            "put that right, then begin another; what was said is in the transcript",
        ) from died
    finally:
        engine.close()


def _introduce(session: Session, who: Memories, policy: str) -> None:
    scripted = (
        " The scripted engine answers with babble, never a result." if session.answering.name == "scripted" else ""
    )
    print(f"{who.name}, answered by the policy {policy}. Simulated; nobody's opinion.{scripted}")
    if who.perceived:
        print(f"Knows {len(who.perceived)} things that they perceived in the run.")
    print("Ask; an empty line ends.", flush=True)


def _ask(interview: Interview, words: str) -> None:
    from agents.errors import UserError

    try:
        interview.ask(words)
    except UserError as error:
        print(error, flush=True)


verb = Verb(help="talk with a policy or somebody of a run, apart from the run", configure=_configure, run=_run)
