"""What the files of a job hold: types, ranges and lengths of everything that somebody reads."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from dpflat.message import CONTROLS
from dpflat.privacy.ledger import LARGEST_EPSILON
from dpflat.readout import METRIC

MOST_LAYERS = 1_000
_OPEN = ConfigDict(extra="allow", strict=True)

Text = Annotated[str, Field(max_length=2_000)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Layers = Annotated[int, Field(ge=0, le=MOST_LAYERS)]
Layer = Annotated[int, Field(ge=0, lt=MOST_LAYERS)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1e300, le=1e300, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=1e300, allow_inf_nan=False)]
Epsilon = Annotated[float, Field(ge=0, le=LARGEST_EPSILON, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
"""Seconds since 1970."""
ByKey = Annotated[dict[Text, NotNegative | bool | None], Field(max_length=5_000)]
Metrics = Annotated[dict[Annotated[str, Field(pattern=METRIC)], Number | None], Field(max_length=20)]
"""What a readout measured of its own, by the words that show it."""
Versions = Annotated[dict[Text, Text], Field(max_length=200)]


class Environment(TypedDict, total=False):
    """`env.json`: versions and hardware."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    python: Text
    system: Text
    versions: Versions
    device: Text
    gpu: Text | None
    cores: Count | None
    threads: Count | None
    backbone_sha256: Text | None
    backbone_identity: Text | None
    extensions: Annotated[dict[Text, Text | None], Field(max_length=100)]
    backbone_layers: Layers
    settings_fingerprint: Text
    noise: Text | None
    training_units: Count
    test_rows: Count


class Arm(TypedDict):
    """A measurement that the final one is compared with. A loss that was not finite is None."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    accuracy: Share
    loss: Number | None


class Results(TypedDict):
    """`artifacts/results.json`: the final measurement. A loss that was not finite is None."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    split: NotRequired[Text]
    examples: Annotated[int, Field(ge=1, le=10**9)]
    accuracy: Share
    loss: Number | None
    steps: Count
    seconds: NotNegative
    without: NotRequired[Arm]
    """With all prefixes taken out."""
    untrained: NotRequired[Arm]
    """With the prefixes of before the first step."""
    majority_share: NotRequired[Share | None]
    balanced_accuracy: NotRequired[Share | None]
    absent_classes: NotRequired[Count]
    metrics: NotRequired[Metrics]
    nonfinite_gradients: NotRequired[Count]
    trained_entries: NotRequired[Count]
    kept_layers: NotRequired[Annotated[list[Layer], Field(max_length=MOST_LAYERS)]]
    examples_per_second: NotRequired[NotNegative | None]
    peak_memory_mb: NotRequired[NotNegative | None]


class StepLine(TypedDict):
    """A line of `metrics.jsonl`: one gradient step."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    step: Count
    seconds: NotRequired[NotNegative]
    loss: Number | None
    examples: NotRequired[Count]
    clipped_share: Share | None
    gradient_norms: NotRequired[Annotated[list[NotNegative | None], Field(max_length=1_000)] | None]
    signal_to_noise: NotRequired[NotNegative | None]
    signal_to_noise_by_key: NotRequired[ByKey | None]
    cosine: NotRequired[Annotated[float, Field(ge=-1.01, le=1.01, allow_inf_nan=False)] | None]
    nonfinite: NotRequired[Count]
    epsilon: Epsilon | None


class OtherEvent(TypedDict):
    """A line of `events.jsonl`: something that happened."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    event: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$")]
    time: NotRequired[Moment]
    step: NotRequired[Count | None]
    message: NotRequired[Annotated[str, Field(max_length=20_000)]]
    threads: NotRequired[Count | None]
    versions: NotRequired[Versions]


class Evaluated(OtherEvent):
    """The test split was measured. A loss that was not finite is None."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    step: Count  # type: ignore[misc]
    examples: Count
    loss: Number | None
    accuracy: Share
    majority_share: NotRequired[Share | None]
    balanced_accuracy: NotRequired[Share | None]
    absent_classes: NotRequired[Count]
    metrics: NotRequired[Metrics]
    seconds: NotRequired[NotNegative]


class LayerGone(OtherEvent):
    """A layer's prefix was removed."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    layer: Layer
    round: Layers


class NotFinite(OtherEvent):
    """Gradients were not finite."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    units: Count


KNOWN_EVENTS = ("evaluated", "layer_removed", "nonfinite_gradients")


def _kind_of(content: Any) -> str:
    event = content.get("event") if isinstance(content, dict) else None
    return event if event in KNOWN_EVENTS else "other"


EventLine = Annotated[
    Annotated[Evaluated, Tag("evaluated")]
    | Annotated[LayerGone, Tag("layer_removed")]
    | Annotated[NotFinite, Tag("nonfinite_gradients")]
    | Annotated[OtherEvent, Tag("other")],
    Discriminator(_kind_of),
]


def _without_controls(text: str) -> str:
    return " ".join(CONTROLS.sub(" ", text).split())


class Label(TypedDict, total=False):
    """`label.json`: what a person calls it, and how a study's runs are done. It may change: no manifest knows it."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Annotated[str, Field(max_length=200), AfterValidator(_without_controls)]
    note: Annotated[str, Field(max_length=5_000), AfterValidator(_without_controls)]
    group: Annotated[str, Field(max_length=200), AfterValidator(_without_controls)]
    executor: Annotated[str, Field(max_length=100)]


class StudyRow(TypedDict):
    """A row of `study.json`: one run of the study."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    fingerprint: Text
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    method: Text
    task: Text
    backbone: Text
    target_epsilon: Epsilon | None
    run: Text | None
    state: Text
    message: NotRequired[Text | None]
    accuracy: NotRequired[Share | None]
    majority_share: NotRequired[Share | None]
    balanced_accuracy: NotRequired[Share | None]
    absent_classes: NotRequired[Count]
    metrics: NotRequired[Metrics]
    loss: NotRequired[Number | None]
    seconds: NotRequired[NotNegative | None]
    examples_per_second: NotRequired[NotNegative | None]
    peak_memory_mb: NotRequired[NotNegative | None]
    guarantee: NotRequired[Text | None]
    epsilon: NotRequired[Epsilon | None]


class StudyTable(TypedDict):
    """`study.json`."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    rows: Annotated[list[StudyRow], Field(max_length=10_000)]


def _as_mapping(schema: Any) -> TypeAdapter[dict[str, Any]]:
    return TypeAdapter(schema)


ANY = _as_mapping(dict[str, Any])
ENVIRONMENT, RESULTS, LABEL = _as_mapping(Environment), _as_mapping(Results), _as_mapping(Label)
STEP, EVENT, STUDY_TABLE = _as_mapping(StepLine), _as_mapping(EventLine), _as_mapping(StudyTable)
