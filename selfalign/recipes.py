"""The registered recipes, one entry each. What they do to samples stands in `build/`, settings in `conf/recipe`."""

from __future__ import annotations

from selfalign.build.rewrite import matrix_pairs, matrix_rows
from selfalign.build.select import raft_rows
from selfalign.config import MatrixConfig, RaftConfig
from selfalign.recipe import Recipe

MATRIX = "Pang et al. 2024, Self-Alignment of Large Language Models via Monopolylogue-based Social Scene Simulation"

matrix_sft = Recipe(
    name="matrix_sft",
    config=MatrixConfig,
    build=matrix_rows,
    loss="nll",
    engine="trl:sft",
    paper=f"{MATRIX}, arXiv 2402.05699",
    claim="13B tuned on its own revisions is preferred to GPT-4 on 875 user ratings (authors' figure)",
    test="tests/selfalign/test_rewrite.py",
    licence="own implementation; the authors' repository carries no licence and nothing of it is used",
)

matrix_dpo = Recipe(
    name="matrix_dpo",
    config=MatrixConfig,
    build=matrix_pairs,
    loss="sigmoid",
    engine="trl:dpo",
    paper=f"{MATRIX}, arXiv 2402.05699; loss: Rafailov et al. 2023, Direct Preference Optimization, arXiv 2305.18290",
    claim="the optimum of the loss is the reference policy reweighted by exp(reward / beta)",
    test="tests/selfalign/test_losses.py",
    licence="own implementation over TRL (Apache-2.0)",
)

matrix_ln_dpo = Recipe(
    name="matrix_ln_dpo",
    config=MatrixConfig,
    build=matrix_pairs,
    loss="sigmoid_norm",
    engine="trl:dpo",
    paper=f"{MATRIX}, arXiv 2402.05699; loss: length-normalised DPO (TRL `sigmoid_norm`)",
    claim="revisions and drafts differ in length; a margin a token does not reward the longer answer for its length",
    test="tests/selfalign/test_losses.py",
    licence="own implementation over TRL (Apache-2.0)",
)

raft = Recipe(
    name="raft",
    config=RaftConfig,
    build=raft_rows,
    label="votes",
    loss="nll",
    engine="trl:sft",
    paper="Dong et al. 2023, RAFT: Reward rAnked FineTuning for Generative Foundation Model Alignment, "
    "arXiv 2304.06767",
    claim="imitating the best of K by reward raises reward at a KL of at most log K - (K-1)/K a round",
    test="tests/selfalign/test_select.py",
    licence="own implementation over TRL (Apache-2.0)",
)
