"""The kernels against TRL's own code, and against closed forms on a tabular policy (methods 8, tests 1 to 3)."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from selfalign.loss.pair import Pair, pair_loss, score, trl_knobs  # noqa: E402
from selfalign.loss.token import token_loss  # noqa: E402
from tests.selfalign.toy import TabularPolicy  # noqa: E402

LOSSES = ("sigmoid", "sigmoid_norm", "ipo", "robust", "hinge")
BATCH, LENGTH = 5, 9


def batch(seed: int) -> dict[str, Any]:
    """Random log-probabilities of chosen rows, then rejected rows, with answers of different lengths."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(2 * BATCH, LENGTH)
    for row in range(2 * BATCH):
        first = int(torch.randint(1, 4, (1,), generator=generator))
        last = int(torch.randint(first + 1, LENGTH + 1, (1,), generator=generator))
        mask[row, first:last] = 1
    logp = -3 * torch.rand(2 * BATCH, LENGTH, generator=generator) * mask
    reference = -3 * torch.rand(2 * BATCH, LENGTH, generator=generator) * mask
    return {"logp": logp, "reference": reference, "mask": mask}


def trl_loss(loss: str, given: dict[str, Any], beta: float, smoothing: float) -> float:
    """Run `DPOTrainer._compute_loss` of the installed TRL on these log-probabilities."""
    dpo = pytest.importorskip("trl.trainer.dpo_trainer")
    mask = given["mask"].long()
    # TRL sees tokens shifted by one: position t predicts token t + 1.
    per_token = given["logp"][:, 1:]
    trainer = dpo.DPOTrainer.__new__(dpo.DPOTrainer)
    trainer.accelerator = SimpleNamespace(
        device=torch.device("cpu"), gather_for_metrics=lambda x: x, gather=lambda x: x
    )
    trainer.args = SimpleNamespace(discopop_tau=0.05)
    trainer._metrics = {"train": defaultdict(list), "eval": defaultdict(list)}
    trainer._total_train_tokens, trainer._tp_size = 0, 1
    trainer.aux_loss_enabled, trainer.use_weighting, trainer.ld_alpha = False, False, None
    trainer.precompute_ref_logps, trainer.f_divergence_type = True, "reverse_kl"
    trainer.loss_types, trainer.loss_weights = [loss], [1.0]
    trainer.beta, trainer.label_smoothing = beta, smoothing

    def model(**_: Any) -> Any:
        return SimpleNamespace(
            log_probs=per_token,
            entropy=torch.zeros_like(per_token),
            mean_logits=torch.zeros_like(per_token),
            is_top1=torch.ones_like(per_token, dtype=torch.bool),
        )

    trainer.model = SimpleNamespace(training=True)
    reference = (given["reference"] * given["mask"]).sum(dim=1)
    inputs = {
        "input_ids": torch.ones_like(mask),
        "attention_mask": torch.ones_like(mask),
        "completion_mask": mask,
        "ref_chosen_logps": reference[:BATCH],
        "ref_rejected_logps": reference[BATCH:],
    }
    return float(trainer._compute_loss(model, inputs, return_outputs=False))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_the_pair_kernel_equals_trl(loss: str, seed: int) -> None:
    given = batch(seed)
    beta = 2.0 if loss in ("sigmoid_norm", "ipo") else 0.3
    knobs = trl_knobs(loss, beta, 0.1 if loss == "robust" else 0.0)
    scores = score(given["logp"], given["reference"], given["mask"], norm=knobs.norm)
    ours = float(pair_loss(scores[:BATCH], scores[BATCH:], knobs).mean())
    assert ours == pytest.approx(trl_loss(loss, given, beta, 0.1 if loss == "robust" else 0.0), rel=1e-5)


def test_dpo_reaches_its_population_optimum() -> None:
    """Bradley-Terry preferences over all pairs of actions: the minimiser is pi_ref exp(r / beta), normalised."""
    num, beta = 5, 0.5
    reference = TabularPolicy(num, seed=1).logp.detach()
    reward = torch.tensor([0.0, 0.3, -0.4, 1.0, 0.5], dtype=torch.float64)
    policy = TabularPolicy(num, seed=2)
    pairs = [(i, j) for i in range(num) for j in range(num) if i < j]

    def loss(logp: Any) -> Any:
        h = logp - reference
        total = torch.zeros((), dtype=torch.float64)
        for i, j in pairs:
            p = float(torch.sigmoid(reward[i] - reward[j]))
            total = total + pair_loss(h[i], h[j], Pair(beta=beta, p=p))
        return total / len(pairs)

    policy.minimise(loss)
    optimum = torch.log_softmax(reference + reward / beta, dim=0)
    assert torch.allclose(policy.logp.detach(), optimum, atol=1e-5)


def test_length_normalised_dpo_is_dpo_at_beta_over_length() -> None:
    given = batch(4)
    n = 6
    mask = torch.zeros_like(given["mask"])
    mask[:, 2 : 2 + n] = 1
    mean = score(given["logp"], given["reference"], mask, norm="mean")
    total = score(given["logp"], given["reference"], mask)
    left = pair_loss(mean[:BATCH], mean[BATCH:], trl_knobs("sigmoid_norm", 2.0))
    right = pair_loss(total[:BATCH], total[BATCH:], trl_knobs("sigmoid", 2.0 / n))
    assert torch.allclose(left, right, atol=1e-6)


def test_swapping_the_pair_swaps_the_soft_label() -> None:
    a, b = torch.tensor([0.7, -1.0]), torch.tensor([0.1, 2.0])
    assert torch.allclose(pair_loss(a, b, Pair(p=0.8)), pair_loss(b, a, Pair(p=0.2)))


def test_the_token_kernel_is_mean_nll_over_weighted_tokens() -> None:
    logp = torch.log(torch.tensor([[0.5, 0.25, 0.125]]))
    assert float(token_loss(logp, torch.tensor([[0.0, 1.0, 1.0]]))) == pytest.approx(
        (1.386294 + 2.079442) / 2, rel=1e-5
    )


def test_sft_on_own_samples_leaves_the_policy_where_it_is() -> None:
    policy = TabularPolicy(4, seed=3)
    before = policy.logp.detach().clone()
    policy.minimise(lambda logp: -(before.exp() * logp).sum())
    assert torch.allclose(policy.logp.detach(), before, atol=1e-6)
