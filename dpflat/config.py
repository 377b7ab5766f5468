"""The settings of a run.

A `RunConfig` is frozen, refuses unknown keys and round-trips through YAML and JSON. Every field states its
unit, range, default and where the default comes from.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from dpflat.adapters import Adapter, PrefixAdapter
from dpflat.catalog import BACKBONES, bundled_tasks
from dpflat.errors import SettingsError, WrongSettingError, unknown
from dpflat.flatness.settings import FlatnessConfig, describe_levels
from dpflat.privacy.plan import Accountant
from dpflat.readout import READOUTS, Readout
from dpflat.readouts.linear import Linear
from dpflat.settings.migrations import SCHEMA_VERSION, migrate
from dpflat.settings.registered import Registered
from dpflat.settings.section import Section, later
from dpflat.settings.wrong import describe_errors, wrong_settings
from dpflat.tasks.fitting import fill_in, fit_task
from dpflat.tasks.settings import TaskConfig

OWN_MICROBATCH = 32
NAMED_SINCE = 1
"""The schema that fingerprints hash: settings of a later one that mean the same have the same name."""


class DataConfig(Section, use_attribute_docstrings=True):
    """How the texts reach the model."""

    max_tokens: int = Field(64, ge=4, le=512)
    """Tokens kept of each text, special tokens included. Default: ample for sentences."""
    pair: Literal["joined", "apart"] = Field("joined", json_schema_extra=later("joined"))
    """How two texts a row are read: `joined` as one sequence, or `apart`, each by itself, for a readout of pairs."""
    train_subset: int | None = Field(None, ge=1)
    """Training units kept, drawn by the seed. None: all. Attacks train many runs on random halves."""
    canaries: int = Field(0, ge=0)
    """Training units that get a wrong label and take part with probability 1/2 each (one-run audit,
    Steinke et al. 2023). 0: none."""


class BackboneConfig(Section):
    """The transformer: frozen, but for adapter.kind=full."""

    name: str = "dpflat-tiny"
    """A name of the catalog, `hub:<id>` or `folder:<path>`. Default: our own, the fastest."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the frozen weights, cast once. Parameters, head, loss, clipping and noise are float32; inside bfloat16
    layers the prefixes are rounded."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", json_schema_extra=later(None))
    """What a folder or hub model held when the run was planned. None: whatever the name means when the run starts."""

    def identity(self) -> str:
        """What names the model: what it held where that is known, else its name."""
        return f"sha256:{self.sha256}" if self.sha256 else self.name

    def named_by(self) -> dict[str, Any]:
        """The same model at two places, or under two names, is one."""
        own = {name: value for name, value in super().named_by().items() if name != "sha256"}
        return own | {"name": self.identity()}

    def title(self) -> str:
        """Its name, and the start of its checksum where that is known."""
        return f"{self.name} (sha256 {self.sha256[:12]})" if self.sha256 else self.name


class OptimiserConfig(Section, use_attribute_docstrings=True):
    """Adam on the summed, possibly clipped and noised, gradients divided by the expected batch size."""

    epochs: float = Field(4.0, gt=0, le=1000)
    """Expected passes over the training units; steps = round(epochs / sample_rate)."""
    batch_size: int = Field(256, ge=1)
    """Expected units in a batch; sample_rate = batch_size / N. True batches vary (Poisson)."""
    prefix_learning_rate: float = Field(0.03, gt=0, le=100)
    """Adam step size of the prefixes: 0.03 under `label_text`, 0.01 under other readouts, where none is given. Tuned on
    imdb (presets/TUNING.md)."""
    head_learning_rate: float = Field(0.03, gt=0, le=100)
    """Adam step size of the head. Tuned on imdb."""
    schedule: Literal["constant", "linear"] = "linear"
    """Step size over time; linear falls evenly, to 1 / T of it at the last step (the authors' choice)."""


class NoPrivacy(Section):
    """The same training without clipping and without noise."""

    kind: Literal["none"] = "none"


class DPPrivacy(Section, use_attribute_docstrings=True):
    """DP-SGD: Poisson sampling, clipping, Gaussian noise."""

    kind: Literal["dp"] = "dp"
    epsilon: float | None = Field(3.0, gt=0, le=1000)
    """Target of the whole run, add or remove one unit. None: `noise_multiplier` is given instead."""
    noise_multiplier: float | None = Field(None, ge=0.2, le=10_000)
    """Noise standard deviation in units of `max_grad_norm`. None: solved from epsilon."""
    delta: float | None = Field(None, ge=1e-15, lt=1)
    """Probability outside epsilon. None: N ** -1.1 (the authors' engine)."""
    accountant: Accountant = Field("rdp_or_pld", json_schema_extra=later("rdp"))
    """What bounds epsilon. `rdp_or_pld`: the smaller of RDP and PLD. `rdp`: RDP alone, as settings of schema 1 mean
    it."""
    max_grad_norm: float = Field(1.0, ge=1e-6, le=1e6)
    """L2 norm C that each unit's gradient is clipped to. Tuned on imdb; 0.1 in the authors' final runs. Below 1e-6 what
    is left of a gradient is lost in Adam's rounding, and noise alone would be trained on."""
    noise: Literal["auto", "secret", "seeded"] = "auto"
    """`secret`: a random key, deleted at the end. `seeded`: derived from the seed, so that a run repeats and
    its guarantee is nominal. `auto`: seeded for published tasks, secret for anybody's own data."""

    @model_validator(mode="after")
    def _one_of_two(self) -> DPPrivacy:
        if (self.epsilon is None) == (self.noise_multiplier is None):
            raise ValueError(
                "exactly one of epsilon and noise_multiplier must be set; "
                f"got epsilon={self.epsilon} and noise_multiplier={self.noise_multiplier}. "
                "To give the noise, set privacy.epsilon=null"
            )
        return self


class ExecutionConfig(Section):
    """How the run is computed and looked at: never changes the weights beyond rounding; outside the fingerprint."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: the GPU where there is one."""
    threads: int | None = Field(None, ge=1, le=256)
    """Torch threads. None: all cores."""
    microbatch: int | None = Field(None, ge=1, le=4096)
    """Sequences that go through the model at once, two a row for pairs apart; a batch is cut into pieces of similar
    length. None: the backbone's own, 32 for one that is not in the catalog."""
    evaluations: int = Field(4, ge=1, le=100)
    """How often the test split is measured, evenly spaced, the last time after the last step."""
    trajectory_points: int = Field(40, ge=0, le=200)
    """Weights kept along the way, evenly spaced, for the path in the landscape. 0: none. adapter.kind=full keeps none:
    it has no landscape."""


Privacy = Annotated[DPPrivacy | NoPrivacy, Field(discriminator="kind")]


class RunConfig(Section):
    """Everything that names a run."""

    schema_version: Literal[2] = SCHEMA_VERSION
    task: TaskConfig = TaskConfig()
    data: DataConfig = DataConfig()
    backbone: BackboneConfig = BackboneConfig()
    adapter: Adapter = PrefixAdapter()
    readout: Annotated[Readout, Registered(READOUTS, "kind")] = Field(Linear(), json_schema_extra=later(Linear()))
    """How answers are read off. Where none is named: `label_text`; `linear` for adapters with a head of their own,
    pairs and tasks without label texts; `pair_product` for pairs encoded apart."""
    optimiser: OptimiserConfig = OptimiserConfig()
    privacy: Privacy = DPPrivacy()
    flatness: FlatnessConfig = FlatnessConfig()
    execution: ExecutionConfig = ExecutionConfig()
    seed: int = Field(0, ge=0, lt=2**31)
    """Public seed: initialisation, subsets, restarts, directions."""

    @model_validator(mode="before")
    @classmethod
    def _default_kinds(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        kinds = {"adapter": "prefix", "privacy": "dp"}
        named = {
            key: {"kind": kinds[key], **value} if key in kinds and isinstance(value, dict) else value
            for key, value in content.items()
        }
        return fill_in(named)

    @model_validator(mode="after")
    def _known_names(self) -> RunConfig:
        name = self.backbone.name
        if name not in BACKBONES and not name.startswith(("hub:", "folder:")):
            known = [*BACKBONES, "hub:<id>", "folder:<path>"]
            raise ValueError(str(unknown("backbone", name, known)))
        if name in BACKBONES and self.backbone.sha256 is not None:
            raise ValueError(f"backbone.sha256 is of a folder or hub model, and {name} is bundled; leave it out")
        if not self.task.is_bundled and self.task.counted is None:
            raise ValueError(
                f"the texts of '{self.task.name}' are not counted yet, and epsilon depends on their number; "
                "dpflat train and dpflat study count them, in Python dpflat.tasks.count.count_texts does"
            )
        rows = self.task.card().train_rows
        units = rows if self.data.train_subset is None else self.data.train_subset
        if units > rows:
            raise WrongSettingError(
                "data.train_subset", f"data.train_subset is {units}, but the task has {rows} training rows"
            )
        if self.optimiser.batch_size > units:
            raise WrongSettingError(
                "optimiser.batch_size",
                f"optimiser.batch_size is {self.optimiser.batch_size}, but there are {units} training units; "
                f"choose at most {units}",
            )
        if self.data.canaries > units:
            raise WrongSettingError(
                "data.canaries", f"data.canaries is {self.data.canaries}, but there are {units} training units"
            )
        return self

    @model_validator(mode="after")
    def _readout_fits(self) -> RunConfig:
        if self.adapter.kind == "head_only" and not self.readout.is_trained:
            raise ValueError(
                f"adapter.kind=head_only trains a head, and readout.kind={self.readout.kind} has none; "
                "set adapter.kind=prefix, or readout.kind=linear"
            )
        object.__setattr__(self, "task", fit_task(self.task, self.readout, self.data.pair, self.backbone.name))
        return self

    @model_validator(mode="after")
    def _full_fits(self) -> RunConfig:
        if self.adapter.kind == "full" and self.backbone.dtype != "float32":
            raise ValueError(
                f"adapter.kind=full expects backbone.dtype=float32, got {self.backbone.dtype}: gradients of weights "
                "sum over all words, and rounding loses small terms; set backbone.dtype=float32"
            )
        if self.adapter.kind == "full" and self.privacy.kind == "dp":
            raise ValueError(
                "adapter.kind=full expects privacy.kind=none, got dp: clipping needs each example's own gradient of "
                "every weight, which is not built here; set privacy.kind=none, or adapter.kind=prefix"
            )
        return self

    @model_validator(mode="after")
    def _levels_fit(self) -> RunConfig:
        levels, adapter = self.flatness.levels(), self.adapter.kind
        if levels and adapter in ("head_only", "full"):
            raise ValueError(
                f"flatness.{next(iter(levels))} acts on prefixes, and adapter.kind={adapter} has none; "
                f"set flatness.{next(iter(levels))}.mode=off, or adapter.kind=prefix"
            )
        if self.adapter.kind == "prompt" and "cross_layer" in levels:
            raise ValueError("flatness.cross_layer removes prefixes, and adapter.kind=prompt has none in any layer")
        for name, level in levels.items():
            if self.privacy.kind == "none" and level.spends_epsilon:
                raise ValueError(f"flatness.{name}.mode={level.mode} spends epsilon, and privacy.kind=none has none")
            for named in level.public_tasks():
                if self.data.pair == "apart":
                    raise ValueError(
                        f"flatness.{name}.mode={level.mode} reads the single texts of {named}, and data.pair=apart "
                        f"compares two; choose a mode of flatness.{name} that reads no public task"
                    )
                public = [task for task, card in bundled_tasks().items() if card.public and task != self.task.name]
                if named not in public:
                    raise ValueError(str(unknown(f"flatness.{name}.public_task", named, public)))
        return self

    def fingerprint(self) -> str:
        """Twelve hex digits that name the experiment: every setting but `execution` and `seed`."""
        content = {name: value for name, value in self.named_by().items() if name not in ("execution", "seed")}
        content |= {"task": self.task.identity(), "schema_version": NAMED_SINCE}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def microbatch(self) -> int:
        """Rows that go through the model at once."""
        card = BACKBONES.get(self.backbone.name)
        return self.execution.microbatch or (card.microbatch if card else OWN_MICROBATCH)

    def noise_source(self) -> Literal["secret", "seeded"]:
        """Where the noise key comes from, `auto` resolved: seeded for published texts, secret for one's own."""
        if isinstance(self.privacy, DPPrivacy) and self.privacy.noise != "auto":
            return self.privacy.noise
        return "seeded" if self.task.card().public else "secret"

    def method(self) -> str:
        """The plain name of what is trained.

        `head only`, `non-private prefix`, `non-private full`, `DP prompt`, `DP-Flat`,
        `DP prefix + within layer (random)`. The readout is no part of it.
        """
        private = self.privacy.kind == "dp"
        if self.adapter.kind == "head_only":
            return "head only" if private else "non-private head only"
        start, levels = "DP" if private else "non-private", describe_levels(self.flatness)
        if levels.startswith("Flat"):
            return f"{start}-{levels}"
        plain = f"{start} {self.adapter.kind}"
        return f"{plain} + {levels}" if levels else plain

    def describe(self) -> str:
        """The method, and what its readout is called where that is no linear head: `DP prefix, label texts`."""
        return ", ".join(filter(None, [self.method(), type(self.readout).words]))


def build_config(content: dict[str, Any], source: str = "the settings", quote: bool = True) -> RunConfig:
    """Validate settings, or say in one sentence which one is wrong and how.

    Args:
        content: the settings.
        source: what they are, for the sentence.
        quote: whether the sentence may say what came.

    Raises:
        DPFlatError: for any setting that is unknown, of the wrong type or out of range.

    Example:
        >>> config = build_config({"privacy": {"kind": "dp", "epsilon": 3.0}, "seed": 1})
        >>> config.method(), config.seed
        ('DP prefix', 1)
    """
    try:
        return RunConfig.model_validate(migrate(content, source))
    except ValidationError as error:
        raise SettingsError(
            f"{source}: {describe_errors(error, RunConfig, quote)}", wrong_settings(error, RunConfig)
        ) from None
