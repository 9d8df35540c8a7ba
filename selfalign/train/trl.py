"""One adapter through TRL's own trainers or ours for choices, with PEFT LoRA, checkpoints and a curve.

Runs in the child process (`selfalign.train.runner`); nothing else imports torch for training. float32 on a CPU,
bfloat16 on CUDA. The prompt's tokens are those of the tokenizer's chat template with a generation prompt, exactly what
the engines send, so the adapter learns in the context in which it will speak.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from agents.errors import UserError, missing_extra
from selfalign.train.choice import choice_examples, choice_trainer
from selfalign.train.estimate import seconds_for
from selfalign.train.job import ADAPTER, CURVE, DONE, ROWS, TrainJob, last_checkpoint, read_rows, write_json
from selfalign.train.online import ENGINES as ONLINE
from selfalign.train.online import policy_trainer
from selfalign.train.progress import Progress, mean_loss, watch
from selfalign.train.reward import ENGINE as REWARD
from selfalign.train.reward import reward_trainer
from selfalign.train.text import ENGINE as TEXT
from selfalign.train.text import text_trainer, text_windows

log = logging.getLogger(__name__)


def run_job(job: TrainJob, *, parent: int = 0) -> dict[str, Any]:
    """Train one adapter into `job.folder/adapter` and return its summary. Goes on from the newest checkpoint.

    parent: process id of whoever waits for it (0: who started this process); training ends at a checkpoint when that
    one is gone.
    """
    try:
        import datasets
        import peft
        import torch
        import transformers
        import trl
    except ImportError as error:
        raise missing_extra(str(error.name), "train") from error
    config = job.config
    threads = int(config["threads"]) or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()

    on_gpu = torch.cuda.is_available()
    tokenizer = transformers.AutoTokenizer.from_pretrained(job.base_folder, local_files_only=True)
    rows, lengths, dropped = _fitting(_rows(job), tokenizer, int(config["max_length"]))
    model = _base(job, torch.bfloat16 if on_gpu else torch.float32)
    num_parameters = sum(p.numel() for p in model.parameters())
    tokens = int(sum(lengths) * float(config["epochs"]) * _answers_a_row(job))
    if int(config["max_steps"]) > 0:
        step_rows = int(config["batch"]) * int(config["grad_accumulation"])
        tokens = min(tokens, int(sum(lengths) / len(lengths) * step_rows * int(config["max_steps"])))
    seconds = seconds_for(tokens, num_parameters, threads, on_gpu=on_gpu, preference=job.engine == "trl:dpo")
    progress = Progress(job.folder / CURVE)
    progress.write(
        {
            "event": "estimate",
            "pid": os.getpid(),
            "num_rows": len(rows),
            "num_too_long": dropped,
            "tokens": tokens,
            "seconds": seconds,
        }
    )
    log.info("%s: %d rows, about %d tokens and %.0f s on %d threads", job.name, len(rows), tokens, seconds, threads)

    lora = None if job.parent_folder else _lora(job)
    if job.parent_folder:
        model = peft.PeftModel.from_pretrained(model, job.parent_folder, is_trainable=True)
    watcher = watch(progress, parent or os.getppid())
    trainer = _trainer(job, model, lora, rows, tokenizer, _arguments(job, threads, on_gpu), watcher)
    trainer.remove_callback(transformers.PrinterCallback)
    checkpoint = last_checkpoint(job.folder)
    progress.begin(resumed_from=checkpoint.name if checkpoint else "")
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if progress.stopped:
        raise SystemExit(143)
    check_finite(job, [weights for weights in trainer.model.parameters() if weights.requires_grad])
    adapter = job.folder / ADAPTER
    trainer.accelerator.unwrap_model(trainer.model).save_pretrained(
        str(adapter), safe_serialization=True, selected_adapters=["default"]
    )
    (adapter / "README.md").unlink(missing_ok=True)  # a card by TRL that knows nothing of the run
    versions = {m.__name__: m.__version__ for m in (torch, transformers, trl, peft)}
    summary = {
        "num_rows": len(rows),
        "num_too_long": dropped,
        "num_steps": int(outcome.global_step),
        "loss": mean_loss(job.folder),
        "tokens": progress.tokens,
        "seconds": round(progress.seconds, 2),
        "tokens_per_s": round(progress.tokens_per_s, 1),
        "estimated_seconds": seconds,
        "threads": threads,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "dtype": "bfloat16" if on_gpu else "float32",
        "resumed_from": progress.resumed_from,
        "versions": versions,
    }
    write_json(job.folder / DONE, summary)
    progress.close()
    return summary


def check_finite(job: TrainJob, trained: Sequence[Any]) -> None:
    """Raise UserError when what was trained is no number any more; the curve leaves such losses out."""
    if all(bool(weights.isfinite().all()) for weights in trained):
        return
    raise UserError(
        f"Training {job.name} broke down: its weights are no numbers.",
        f"steps of recipe.lr = {job.config['lr']:g} led out of what can be computed.",
        "lower recipe.lr in a new run, or remove the policy's folder below training/ and align again",
    )


def _rows(job: TrainJob) -> list[dict[str, Any]]:
    """Return the training rows; those of a choice as token ids already."""
    rows = read_rows(job.folder / ROWS)
    if job.engine == TEXT:
        return text_windows(rows, job.base_folder, int(job.config["max_length"]))
    return choice_examples(rows, job.base_folder) if job.engine == "choice" else rows


def _base(job: TrainJob, dtype: Any) -> Any:
    """Return the base model; with a fresh head of one output, drawn by the job's seed, for a reward model."""
    import transformers

    given = {"dtype": dtype, "local_files_only": True}
    if job.engine != REWARD:
        return transformers.AutoModelForCausalLM.from_pretrained(job.base_folder, **given)
    transformers.set_seed(job.seed % 2**32)
    return transformers.AutoModelForSequenceClassification.from_pretrained(job.base_folder, num_labels=1, **given)


def _answers_a_row(job: TrainJob) -> float:
    """Return how many answers are read for each text of a row: sampled ones replace the row's two."""
    return int(job.config["num_generations"]) / 2 if job.engine in ONLINE else 1.0


def _lora(job: TrainJob) -> Any:
    import peft

    config, head = job.config, job.engine == REWARD
    return peft.LoraConfig(
        r=int(config["lora_r"]),
        lora_alpha=int(config["lora_alpha"]),
        lora_dropout=float(config["lora_dropout"]),
        target_modules="all-linear",
        task_type="SEQ_CLS" if head else "CAUSAL_LM",
        modules_to_save=["score"] if head else None,
    )


def _trainer(
    job: TrainJob,
    model: Any,
    lora: Any,
    rows: list[dict[str, Any]],
    tokenizer: Any,
    common: dict[str, Any],
    watcher: Any,
) -> Any:
    """Return the trainer of the job's engine: TRL's, or transformers' for choices and plain text."""
    import datasets
    import peft
    import transformers
    import trl

    callbacks = [watcher]
    if job.engine in ("choice", TEXT):
        settings = {key: value for key, value in common.items() if key != "max_length"}
        arguments = transformers.TrainingArguments(**settings, remove_unused_columns=False, **job.knobs)
        adapted = model if lora is None else peft.get_peft_model(model, lora)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        if job.engine == TEXT:
            return text_trainer(adapted, arguments, rows, pad, callbacks)
        return choice_trainer(adapted, arguments, rows, pad, callbacks)
    more = {"callbacks": callbacks}
    if job.engine in ONLINE:
        return policy_trainer(job, model, lora, rows, tokenizer, common, **more)
    if job.engine == REWARD:
        return reward_trainer(model, lora, datasets.Dataset.from_list(rows), tokenizer, common, **more)
    if job.engine == "trl:sft":
        arguments = trl.SFTConfig(**common, completion_only_loss=True, loss_type=job.loss, **job.knobs)
    else:
        arguments = trl.DPOConfig(
            **common,
            beta=float(job.config["beta"]),
            loss_type=[job.loss],
            precompute_ref_log_probs=True,
            **job.knobs,
        )
    trainer_class = trl.SFTTrainer if job.engine == "trl:sft" else trl.DPOTrainer
    return trainer_class(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        **more,
    )


def _arguments(job: TrainJob, threads: int, on_gpu: bool) -> dict[str, Any]:
    config = job.config
    return {
        "output_dir": str(job.folder),
        "num_train_epochs": float(config["epochs"]),
        "max_steps": int(config["max_steps"]),
        "learning_rate": float(config["lr"]),
        "lr_scheduler_type": "cosine",
        "warmup_steps": float(config["warmup"]),  # below 1 it is a share of all steps (transformers 5)
        "per_device_train_batch_size": int(config["batch"]),
        "gradient_accumulation_steps": int(config["grad_accumulation"]),
        "max_length": int(config["max_length"]),
        "gradient_checkpointing": bool(config["gradient_checkpointing"]),
        "bf16": on_gpu,
        "use_cpu": not on_gpu,
        "seed": job.seed % 2**32,
        "data_seed": job.seed % 2**32,
        "save_strategy": "steps",
        "save_steps": int(config["save_steps"]),
        "save_total_limit": 2,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_first_step": True,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": on_gpu,
    }


def _fitting(
    rows: list[dict[str, Any]], tokenizer: Any, max_length: int
) -> tuple[list[dict[str, Any]], list[int], int]:
    """Return the rows that fit whole, their lengths in tokens, and how many did not.

    TRL would cut long answers without a word, and a cut answer teaches to stop in the middle.
    """
    kept, lengths = [], []
    for row in rows:
        if "input_ids" in row:
            num = [len(row["input_ids"]) + 1]
        else:
            answers = [row[key] for key in ("completion", "chosen", "rejected") if key in row]
            num = [len(token_ids(tokenizer, row["prompt"] + answer)) for answer in answers]
        if max(num) <= max_length:
            kept.append(row)
            lengths.append(sum(num))
    if not kept:
        raise UserError(
            f"None of the {len(rows)} training rows fits into recipe.max_length = {max_length} tokens.",
            "rows are never cut, because a cut answer teaches the policy to stop in the middle.",
            "raise recipe.max_length, or shorten the answers (sampling.max_tokens of the society)",
        )
    return kept, lengths, len(rows) - len(kept)


def token_ids(tokenizer: Any, messages: list[dict[str, str]], *, prompt: bool = False) -> list[int]:
    """Return the tokens of a chat, as TRL and the engines render it."""
    ids: list[int] = tokenizer.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=prompt, return_dict=False
    )
    return ids
