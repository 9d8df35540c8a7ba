"""Toys for the trainer's tests: a tabular policy in closed form, and samples made by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from agents.requests import Message
from agents.sample import Candidate, Lineage, Sample, Vote


class TabularPolicy:
    """V actions, one step: theta -> log_softmax. Every loss has a millisecond closed-form test on it."""

    def __init__(self, num_actions: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.theta = torch.randn(num_actions, generator=generator, dtype=torch.float64).requires_grad_()

    @property
    def logp(self) -> Tensor:
        return torch.log_softmax(self.theta, dim=0)

    def minimise(self, loss: Callable[[Tensor], Tensor], steps: int = 400) -> float:
        """Minimise loss(logp) by L-BFGS; return the final loss."""
        optimiser = torch.optim.LBFGS(
            [self.theta], max_iter=steps, tolerance_grad=1e-14, tolerance_change=1e-18, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = loss(self.logp)
            value.backward()
            return value

        optimiser.step(closure)
        return float(loss(self.logp).detach())


def sample(
    n: int,
    kind: str = "revision_harmful",
    *,
    revised: str | None = "Here is a safer way to reach that.",
    initial: str | None = "Sure, do it like this.",
    scene: str | None = None,
    prompt: str | None = None,
    votes: tuple[Vote, ...] = (),
) -> Sample:
    candidates = tuple(
        Candidate(text=text, author="base", role=role)
        for text, role in ((revised, "revised"), (initial, "initial"))
        if text is not None
    )
    return Sample(
        sample_id=f"{kind}-{n:03d}",
        kind=kind,
        prompt=(Message("user", prompt or f"Question number {n}?"),),
        candidates=candidates,
        lineage=Lineage(script=scene or f"r1.play/scene-{n}"),
        votes=votes,
        meta={"scene_id": scene or f"scene-{n}"},
    )


def helpful(n: int, text: str = "Boil the water, then add the rice and wait.") -> Sample:
    return sample(n, "answer_helpful", revised=None, initial=text, prompt=f"How do I cook dish {n}?")


def step(n: int) -> Sample:
    return sample(n, "simulation_step", revised=None, initial="The mayor calls the fire brigade.", prompt=f"Step {n}")


def pair_vote(voter: str, *value: float, kind: str = "pair") -> Vote:
    return Vote(voter=voter, group="g", dim="harm", kind=kind, value=value)
