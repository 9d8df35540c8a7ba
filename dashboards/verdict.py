"""The first thing a reader sees: what the run showed, in one honest sentence, and how its numbers may be read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboards.assembly_words import first_lines, headline, utility_headline
from dashboards.coevolution_words import together_headline
from dashboards.drawing import Box, State, short
from dashboards.findings import Findings
from dashboards.measures import Compared, Gate

Tone = Literal["good", "bad", "open"]

SCRIPTED = "These numbers come from the scripted engine: they are not a model's."
UNASKED = "No model was asked"


def warning(found: Findings) -> str:
    """Return what stands above all numbers: that no model answered, and why; "" where one did."""
    return SCRIPTED if found.scripted else unasked_line(found.society) if found.unasked else ""


def unasked_line(society: str) -> str:
    """Say that a finished run asked nobody. Eras may be recorded from models, so their people are no numbers."""
    return f"{UNASKED}{' in this run' if society == 'eras' else ': the people are numbers'}."


RULES = tuple(
    """\
A score tells how this policy answers these prompts. It does not tell what a model believes or wants.
Persona answers are simulated. They are not, and may not be shown as, public opinion.
Material about people is often American, online or young. Likeness to it describes; the goal is what the gate demands.
A number counts only with its n, interval, baseline, mode, orders, label mass and command. A dash: it does not apply.
An interval that holds 0 shows no difference. It does not show that there is none: see what n could have shown.
One instrument is an anecdote. Call it a drift only when two unlike methods agree on the sign.
""".splitlines()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """headline: one sentence. details: at most four more. tone: "open" where nothing was shown either way."""

    headline: str
    details: tuple[str, ...]
    tone: Tone


def verdict(found: Findings) -> Verdict:
    """Return what may be said of the run as a whole."""
    signs = first_lines(found.assemblies) if found.assemblies else ()
    details = (*signs, *(compared_line(m.compared) for m in found.measures if m.compared is not None))[
        : 4 if signs else 3
    ]
    few = sum(1 for m in found.measures if any("not a finding" in flag for p in m.points for flag in p.flags))
    if few:
        details += (f"{few} of {len(found.measures)} measures have too few items to be a finding.",)
    gate = found.gates[-1] if found.gates else None
    if found.scripted:
        played = f"{_played(found)} The scripted engine answered, no model did."
        return Verdict(headline="No finding: this run tried out the machinery.", details=(played, *signs), tone="open")
    if found.state == "stopped" and gate is not None and gate.decision == "open" and "waits for a person" in found.why:
        return Verdict(headline=gated(gate), details=(f"{found.why}.", *details), tone="open")
    if found.state in ("stopped", "failed"):
        why = f"{found.why.rstrip('.')}." if found.why else "No reason was written down."
        headline = f"{found.state.capitalize()} before its end."
        return Verdict(headline=headline, details=(why, _played(found), *details), tone="bad")
    if found.state not in ("done", "unknown"):
        return Verdict(
            headline="Not finished yet: these are the numbers so far.", details=(_played(found), *details), tone="open"
        )
    if gate is None:
        return Verdict(headline=_ungated(found), details=(*details, _played(found)), tone="open")
    return Verdict(headline=gated(gate), details=details, tone=_tone(gate))


def _ungated(found: Findings) -> str:
    """Say what a run without a gate came to: what its society found, where that is known."""
    if found.assemblies is not None:
        return headline(found.assemblies)
    if found.utilities:
        return utility_headline(found.utilities[-1])
    if found.coevolution is not None and found.coevolution.follow is None:
        return together_headline(found.coevolution)
    return "Measured, not gated." if found.measures else "Played only: nothing was trained, measured or gated."


def gated(gate: Gate) -> str:
    """Say in a sentence what became of a candidate, and who decided when the gate did not."""
    name = gate.policy or "the candidate"
    unmet = sum(1 for reason in gate.reasons if reason.state in ("failed", "not run"))
    met = f"not met: {unmet} of {len(gate.reasons)} criteria" if unmet else "every criterion is met"
    if gate.says == "reject" and not unmet:
        met = gate.summary
    person = gate.by == "person"
    if gate.decision == "promoted":
        how = (
            f"by a person, {'as' if gate.says == 'promote' else 'against what'} the gate said"
            if person
            else "by nobody, the gate was off"
            if gate.by.startswith("nobody")
            else "by the gate"
        )
        return f"Promoted: {name} in round {gate.round}, {how} ({met})."
    if gate.decision == "rejected":
        how = (
            f"by a person, {'as' if gate.says == 'reject' else 'against what'} the gate said"
            if person
            else "by nobody, the gate was off"
            if gate.by.startswith("nobody")
            else "by the gate"
        )
        return f"Rejected: {name} in round {gate.round}, {how} ({met})."
    return f"Not decided: the gate says {gate.says} of {name} in round {gate.round} ({met})."


def _tone(gate: Gate) -> Tone:
    return "good" if gate.decision == "promoted" else "bad" if gate.decision == "rejected" else "open"


def _played(found: Findings) -> str:
    scripts = round(sum(stage.num_done for stage in found.stages if stage.name.endswith(".play")))
    lost = round(sum(stage.num_lost for stage in found.stages if stage.name.endswith(".play")))
    kinds = sum(count.num for count in found.samples)
    return f"{scripts:,} scripts were played and {lost:,} lost; {kinds:,} samples were written."


def compared_line(compared: Compared) -> str:
    """Return a comparison as one line of text with n and interval."""
    name = f"{compared.instrument}, {compared.scale}".replace("_", " ")
    if compared.diff is None:
        return f"{name}: not compared (n = {compared.n})."
    between = "" if compared.lo is None else f", 95 % interval {signed(compared.lo)} to {signed(compared.hi)}"
    return (
        f"{name}: {short(compared.before)} before, {short(compared.after)} after, difference {signed(compared.diff)}"
        f"{between}, n = {compared.n}: {compared.reading}."
    )


def signed(value: float | None) -> str:
    """Return a number with its sign always shown; a dash for none.

    >>> signed(0.25), signed(-0.25), signed(None)
    ('+0.25', '-0.25', '-')
    """
    shown = short(value)
    return f"+{shown}" if value is not None and value > 0 and shown != "0" else shown


def loop_boxes(found: Findings) -> tuple[tuple[Box, ...], str]:
    """Return the five stations of the loop with this run's numbers, and the word on the way back."""
    return (
        (_simulate(found), _sampled(found), _trained(found), _measured(found), _gate_box(found)),
        _way_back(found),
    )


def _simulate(found: Findings) -> Box:
    plays = [stage for stage in found.stages if stage.name.endswith(".play")]
    if not plays:
        return Box(title="Simulate", lines=("no play stage",), state="missing")
    lost = sum(stage.num_lost for stage in plays)
    lines = (
        f"{found.num_scenes:,} scenes" if found.num_scenes else f"{sum(stage.num_done for stage in plays):,} scripts",
        f"{lost:,} scripts lost",
        f"{sum(stage.num_requests for stage in plays):,} requests",
    )
    return Box(title="Simulate", lines=lines, state="bad" if any(s.state != "complete" for s in plays) else "done")


def _sampled(found: Findings) -> Box:
    kinds = sorted(found.sample_kinds().items(), key=lambda pair: (-pair[1], pair[0]))
    if not kinds:
        return Box(title="Samples", lines=("none written",), state="missing")
    shown = 3 if len(kinds) <= 3 else 2
    lines = [f"{num:,} {kind}" for kind, num in kinds[:shown]]
    if len(kinds) > shown:
        lines.append(f"{sum(num for _, num in kinds[shown:]):,} of other kinds")
    return Box(title="Samples", lines=tuple(lines))


def _trained(found: Findings) -> Box:
    trained = [policy for policy in found.policies if policy.parent]
    if not trained:
        return Box(title="Train", lines=(found.recipe or "no recipe", "no new policy"), state="missing")
    last = trained[-1]
    loss = f"loss {short(last.curve[0])} -> {short(last.curve[-1])}" if last.curve else f"loss {short(last.loss)}"
    return Box(title="Train", lines=(f"{last.recipe} -> {last.name}", f"{last.num_rows:,} rows", loss))


def _measured(found: Findings) -> Box:
    pairs = [measure.compared for measure in found.measures if measure.compared is not None]
    if not found.measures:
        return Box(title="Measure", lines=("nothing measured",), state="missing")
    lines = [f"{len(found.measures)} scales, {len(pairs)} paired"]
    for compared in pairs[:2]:
        lines.append(f"{signed(compared.diff)} {compared.scale.replace('_', ' ')}")
    return Box(title="Measure", lines=tuple(lines), state="done" if pairs else "missing")


STATES: dict[str, State] = {"promoted": "done", "rejected": "bad"}


def _gate_box(found: Findings) -> Box:
    if not found.gates:
        return Box(title="Gate", lines=("no verdict",), state="missing")
    gate = found.gates[-1]
    passed = sum(1 for reason in gate.reasons if reason.passed)
    lines = (gate.decision, f"{passed} of {len(gate.reasons)} criteria met", f"round {gate.round}")
    return Box(title="Gate", lines=lines, state=STATES.get(gate.decision, "missing"))


def _way_back(found: Findings) -> str:
    if not found.gates:
        return "the way back was not taken"
    gate = found.gates[-1]
    if gate.decision == "promoted":
        return f"{gate.policy or 'the new policy'} goes back into the society"
    return f"{gate.parent or 'the old policy'} stays in the society"
