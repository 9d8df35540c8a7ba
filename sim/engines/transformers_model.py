"""A model of plain transformers with its adapters, and the two things it does to a batch: decode rows, or read them.

Prompts are padded on the left; one policy speaks in a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.errors import UserError, missing_extra
from agents.requests import Sampling
from sim.engines.base import PolicyRef
from sim.engines.chat import Pass, finite
from sim.engines.drawing import draw_token, uniform
from sim.engines.number_format import NumberFormat, number_format


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformersConfig:
    """The `engine` section for `name: transformers`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    dtype: NumberFormat = "auto"
    """Number format of weights and activations. auto: bfloat16 where the machine multiplies it, else float32."""
    device: str = "auto"
    """auto, cpu or cuda."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Rows decoded side by side."""
    max_model_len: Annotated[int, Field(ge=64)] = 8192
    """Longest prompt plus answer in tokens."""
    thinking: bool = False
    """Let templates that know a thinking mode use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A row to go on with: its ids, how its text is drawn, and the most tokens it may get."""

    ids: list[int]
    sampling: Sampling
    seed: int
    limit: int


class LoadedModel:
    """Weights on a device. folder: the model to load, as `folder_and_adapters` chose it."""

    def __init__(self, config: TransformersConfig, folder: Path, adapters: Sequence[PolicyRef]) -> None:
        """Load. Raises UserError when that cannot work."""
        try:
            import torch
            import transformers
        except ImportError as error:
            raise missing_extra("transformers", "train") from error
        self.torch = torch
        self.versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        self.device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = number_format(config.dtype, on_cpu=self.device == "cpu")
        self._adapters = {p.name: f"policy{number}" for number, p in enumerate(adapters)}
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=getattr(torch, self.dtype), local_files_only=True
            )
            if adapters:
                from peft import PeftModel

                for policy in adapters:
                    name = self._adapters[policy.name]
                    if isinstance(model, PeftModel):
                        model.load_adapter(str(policy.folder), adapter_name=name)
                    else:
                        model = PeftModel.from_pretrained(model, str(policy.folder), adapter_name=name)
        except Exception as error:
            raise UserError(
                f"transformers could not load {folder}.",
                f"{type(error).__name__}: {str(error)[:300]}",
                "check the model",
            ) from error
        self._model = model.to(self.device).eval()
        own = int(getattr(model.config, "max_position_embeddings", 0) or config.max_model_len)
        self.max_model_len = min(config.max_model_len, own)
        eos = model.generation_config.eos_token_id if model.generation_config is not None else None
        self.ends: set[int] = {*(eos if isinstance(eos, list) else [] if eos is None else [eos])}

    def speak_as(self, policy: str) -> None:
        """Let this policy answer from now on."""
        if not self._adapters:
            return
        name = self._adapters.get(policy)
        if name is None:
            self._model.base_model.disable_adapter_layers()
        else:
            self._model.base_model.enable_adapter_layers()
            self._model.set_adapter(name)

    def _padded(self, rows: Sequence[list[int]]) -> tuple[Any, Any, Any]:
        """Return ids, mask and positions, padded on the left, shape (num_rows, longest)."""
        torch = self.torch
        longest = max(len(row) for row in rows)
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, longest - len(row) :] = torch.tensor(row)
            mask[at, longest - len(row) :] = 1
        positions = (mask.cumsum(1) - 1).clamp_min(0)
        return ids.to(self.device), mask.to(self.device), positions.to(self.device)

    def read(self, passes: Sequence[Pass]) -> list[list[float]]:
        """Return for each pass the log-probabilities of its labels, or the sum of those of its tail."""
        ids, mask, positions = self._padded([one.ids for one in passes])
        width = ids.shape[1]
        first = [len(one.ids) - 1 if one.labels else one.start for one in passes]
        # Logits of whole prompts would be the largest tensor by far; keep those from the first one that is read.
        keep = max(len(one.ids) - max(start - 1, 0) for one, start in zip(passes, first, strict=True))
        with self.torch.inference_mode():
            logits = self._model(
                input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=keep
            ).logits
        values = []
        for at, one in enumerate(passes):
            if one.labels:
                logp = logits[at, -1].float().log_softmax(-1)
                values.append([float(logp[label]) for label in one.labels])
                continue
            pad = width - len(one.ids)
            total = 0.0
            for token in range(one.start, len(one.ids)):
                line = logits[at, pad + token - 1 - (width - keep)].float().log_softmax(-1)
                total += finite(float(line[one.ids[token]]))
            values.append([total])
        return values

    def decode(
        self, prompts: Sequence[Prompt], stopped: Callable[[list[int], Sequence[str]], bool]
    ) -> list[tuple[list[int], list[float]]]:
        """Go on with every row until it ends; return each row's tokens and, where asked, their log-probabilities.

        Finished rows leave the batch when they are half of it. stopped: whether these tokens hold a stop text.
        """
        with self.torch.inference_mode():
            return self._decoded(prompts, stopped)

    def _decoded(
        self, prompts: Sequence[Prompt], stopped: Callable[[list[int], Sequence[str]], bool]
    ) -> list[tuple[list[int], list[float]]]:
        torch = self.torch
        ids, mask, positions = self._padded([one.ids for one in prompts])
        draws = [uniform(torch, one.seed, one.limit) for one in prompts]
        tokens: list[list[int]] = [[] for _ in prompts]
        logps: list[list[float]] = [[] for _ in prompts]
        live = list(range(len(prompts)))  # live[i]: which row stands at place i of the batch, -1 once it has ended
        out = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache, position = out.past_key_values, positions[:, -1]
        while True:
            logp = out.logits[:, -1].float().log_softmax(-1).cpu()
            new = torch.zeros(len(live), dtype=torch.long)
            for place, at in enumerate(live):
                if at < 0:
                    continue
                sampling = prompts[at].sampling
                token = draw_token(torch, logp[place], sampling.temperature, sampling.top_p, draws[at][len(tokens[at])])
                new[place] = token
                tokens[at].append(token)
                if sampling.logps:
                    logps[at].append(finite(float(logp[place, token])))
                ended = token in self.ends or len(tokens[at]) >= prompts[at].limit
                if ended or (sampling.stop and stopped(tokens[at], sampling.stop)):
                    live[place] = -1
            num_live = sum(at >= 0 for at in live)
            if not num_live:
                return list(zip(tokens, logps, strict=True))
            if num_live * 2 <= len(live):
                kept = torch.tensor([place for place, at in enumerate(live) if at >= 0])
                cache.batch_select_indices(kept.to(self.device))
                mask, position, new = mask[kept], position[kept], new[kept]
                live = [at for at in live if at >= 0]
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
            position = position + 1
            out = self._model(
                input_ids=new[:, None].to(self.device),
                attention_mask=mask,
                position_ids=position[:, None],
                past_key_values=cache,
                use_cache=True,
            )

    def close(self) -> None:
        """Drop the weights and their memory."""
        import gc

        self._model = None
        gc.collect()
        if self.device == "cuda":
            self.torch.cuda.empty_cache()


def folder_and_adapters(base: Path, policies: Sequence[PolicyRef]) -> tuple[Path, list[PolicyRef]]:
    """Return the folder to load and the adapters to put on it. Raises UserError when they cannot speak together."""
    merged = [p for p in policies if p.kind == "merged"]
    if merged and len(policies) == 1 and merged[0].folder is not None:
        return merged[0].folder, []
    if merged:
        raise UserError(
            f'The policy "{merged[0].name}" is a whole model and cannot speak beside others in one engine.',
            f"asked together: {', '.join(p.name for p in policies)}.",
            "train it as an adapter (LoRA), or let it speak alone in this stage",
        )
    return base, [p for p in policies if p.kind == "adapter"]
