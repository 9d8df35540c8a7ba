"""The registered recipes, one entry each. What they do to samples stands in `build/`, settings in `conf/recipe`."""

from __future__ import annotations

from selfalign.build.assembly import assembly_pairs
from selfalign.build.choices import choice_rows
from selfalign.build.preferences import preference_pairs, preferred_answers, rewarded_prompts
from selfalign.build.rewrite import matrix_pairs, matrix_rows
from selfalign.build.select import raft_rows
from selfalign.config import (
    AssemblyTrainConfig,
    ChoiceConfig,
    MatrixConfig,
    PreferenceConfig,
    RaftConfig,
    RlConfig,
)
from selfalign.recipe import Recipe

PROGRESS = "Qiu et al. 2024, ProgressGym, arXiv 2406.20087"
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

assembly_dpo = Recipe(
    name="assembly_dpo",
    config=AssemblyTrainConfig,
    build=assembly_pairs,
    label="targets",
    loss="sigmoid",
    engine="trl:dpo",
    paper="soft and hard panel: arXiv 2602.05113 (DemPO); loss: Rafailov et al. 2023, arXiv 2305.18290",
    claim="weighting raters by their chance in the lottery makes the mean hard-panel loss equal the soft-panel loss",
    test="tests/selfalign/test_assembly_recipes.py",
    licence="own implementation over TRL (Apache-2.0)",
)

utility_control = Recipe(
    name="utility_control",
    config=ChoiceConfig,
    build=choice_rows,
    label="share",
    loss="soft_cross_entropy",
    engine="choice",
    gates=("lm_loss",),
    paper="Mazeika et al. 2025, Utility Engineering, arXiv 2502.08640 (a citizens' assembly as the target of control)",
    claim="matching an assembly's choices lowers political bias and generalises (the authors'; their code for it is "
    "not public, so the form of the loss is ours)",
    test="tests/selfalign/test_assembly_recipes.py",
    licence="own implementation; the authors' repository is MIT and nothing of it is used",
)

follow_dpo = Recipe(
    name="follow_dpo",
    config=PreferenceConfig,
    build=preference_pairs,
    label="share",
    loss="sigmoid",
    engine="trl:dpo",
    paper=f"{PROGRESS} (DPO examinee); loss: Rafailov et al. 2023, arXiv 2305.18290",
    claim="lifelong DPO follows better when each policy goes on from the last than when it starts anew (their log)",
    test="tests/selfalign/test_preferences.py",
    licence="own implementation over TRL (Apache-2.0)",
)

follow_sft = Recipe(
    name="follow_sft",
    config=PreferenceConfig,
    build=preferred_answers,
    label="share",
    loss="nll",
    engine="trl:sft",
    paper=f"{PROGRESS} (SFT examinee, preferred answers reweighted)",
    claim="imitating answers as often as they are voted for draws the policy's shares to the people's (ours)",
    test="tests/selfalign/test_preferences.py",
    licence="own implementation over TRL (Apache-2.0)",
)

grpo = Recipe(
    name="grpo",
    config=RlConfig,
    build=rewarded_prompts,
    label="share",
    loss="grpo",
    engine="trl:grpo",
    paper=f"Shao et al. 2024, DeepSeekMath, arXiv 2402.03300; in place of PPO in {PROGRESS}",
    claim="the mean reward of a prompt's own answers serves as the baseline, so no value model is needed",
    test="tests/selfalign/test_online.py",
    licence="own implementation over TRL (Apache-2.0)",
)

rloo = Recipe(
    name="rloo",
    config=RlConfig,
    build=rewarded_prompts,
    label="share",
    loss="reinforce",
    engine="trl:rloo",
    paper=f"Ahmadian et al. 2024, Back to Basics, arXiv 2402.14740; in place of PPO in {PROGRESS}",
    claim="REINFORCE with the other answers' mean as the baseline matches or beats PPO on RLHF (the authors')",
    test="tests/selfalign/test_online.py",
    licence="own implementation over TRL (Apache-2.0)",
)
