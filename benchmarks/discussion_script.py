"""The peers' discussion as scripts: N agents, T rounds, one utterance each, all hear all after the round."""

from __future__ import annotations

from dataclasses import dataclass

from agents.requests import Event, Fork, Generate, Message, Reply, Sampling, Script

RULES = (
    "You take part in a town meeting on whether the city should fund a new library. In every round each person "
    "says one or two sentences. Everybody hears everybody. Speak in the first person, stay with the question, "
    "answer what others have said, and say plainly what you would have the city do and why. Nobody can leave the "
    "meeting, and nobody speaks for anybody else. What has been said so far stands below, oldest first."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One utterance."""

    agent: int
    text: str


def name_of(agent: int) -> str:
    """Return the name of an agent."""
    return f"Citizen {agent:04d}"


def prompt(transcript: str, agent: int) -> tuple[Message, ...]:
    """Rules first, then what all have heard, the speaker's name last: everything but the last line is shared."""
    return (
        Message("system", RULES),
        Message("user", f"<<<\n{transcript}\n>>>\nYou are {name_of(agent)}. What do you say?"),
    )


def speak(transcript: str, agent: int, max_tokens: int) -> Script[Said]:
    """One agent says one thing."""
    reply: Reply = yield Generate(
        messages=prompt(transcript, agent), purpose="discussion/speak.v1", sampling=Sampling(max_tokens=max_tokens)
    )
    return Said(agent=agent, text=" ".join(reply.text.split()))


def discussion(num_agents: int, num_rounds: int, max_tokens: int = 48) -> Script[list[Said]]:
    """Play the whole meeting; within a round all speak at once."""
    heard: list[Said] = []
    for number in range(num_rounds):
        transcript = "\n".join(f"{name_of(said.agent)}: {said.text}" for said in heard) or "(nothing yet)"
        said_now = yield Fork(tuple((f"a{a:04d}", speak(transcript, a, max_tokens)) for a in range(num_agents)))
        for said in said_now:
            yield Event(table="utterances", row={"round": number, "agent": said.agent, "text": said.text})
        heard += said_now
    return heard
