"""The settings of lines, planes and the question whether planes agree."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from analysis.layers.settings import why_no_layers
from analysis.settings import PointConfig, check_rows
from dpflat.config import DPPrivacy, RunConfig
from dpflat.errors import DPFlatError
from dpflat.flatness.settings import FlatnessConfig
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.plan import SubsampledGaussian
from dpflat.runs.record import Run
from dpflat.training.forecast import plan_privacy

RADII = {"isotropic": 48.0, "filter": 2.0, "hessian": 48.0, "path": 1.5}
"""How far from the weights: noise lengths; multiples of the weights' own length; of the path's reach in its plane."""


class LinesConfig(PointConfig):
    """Loss and accuracy along random lines through the weights, or along the line to another run."""

    kind: Literal["lines"] = "lines"
    schema_version: Literal[1] = 1
    directions: Literal["isotropic", "filter"] = "isotropic"
    """`isotropic`: as noise falls. `filter`: a row (layer, key or value, head, token) as long as the weights' own."""
    lines: int = Field(10, ge=2, le=1000)
    """Number of random directions."""
    points: int = Field(21, ge=3, le=1001)
    """Points on each line, the weights themselves in the middle; an odd number."""
    radius: float | None = Field(None, gt=0, le=10_000)
    """How far, in noise lengths (isotropic) or in lengths of the weights (filter). None: 48 or 2."""
    toward: str | None = Field(None, min_length=1, max_length=120)
    """Id of another run: the line to its weights, and a quarter beyond both, instead of random ones. The head moves."""

    def entry_class(self, answer: str) -> EntryClass:
        """As of every analysis; the way to another run also depends on that run's weights."""
        return EntryClass.DIAGNOSTIC if self.toward is not None else super().entry_class(answer)


WAY_POINTS = 25
"""Points on the line to another run, where nobody asks for others."""


def way_to(other: str, **more: Any) -> LinesConfig:
    """The settings of the line to another run, by its id."""
    return LinesConfig(**(more | {"toward": other, "head": True, "points": WAY_POINTS}))


class PlaneConfig(PointConfig):
    """Loss and accuracy over a plane through the weights."""

    kind: Literal["plane"] = "plane"
    schema_version: Literal[1] = 1
    plane: Literal["filter", "isotropic", "hessian", "path"] = "filter"
    """Spanned by two random directions, by the top two eigenvectors, or by the stored path's principal components."""
    points: int = Field(21, ge=3, le=101)
    """Points a side, the weights themselves in the middle; an odd number."""
    radius: float | None = Field(None, gt=0, le=10_000)
    """Half a side: noise lengths (isotropic, hessian), lengths of the weights (filter), reaches of the path (path)."""


class TrustConfig(PointConfig):
    """One reading of sharpness over many planes: does the answer depend on the plane?"""

    kind: Literal["trust"] = "trust"
    schema_version: Literal[1] = 1
    examples: int = Field(128, ge=8, le=10_000)
    """Rows, drawn by the seed and named by a hash."""
    planes: int = Field(20, ge=2, le=1000)
    """Number of random planes."""
    points: int = Field(7, ge=3, le=101)
    """Points a side of each; an odd number."""
    radius: float = Field(48.0, gt=0, le=10_000)
    """Half a side, in noise lengths; the same in every plane."""


def check_point(config: PointConfig, run: Run) -> None:
    """Refuse what the landscape of a run cannot be asked.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    check_rows(config, run.config)
    if run.config.adapter.kind == "full":
        raise DPFlatError(f"{why_no_layers(run.config)} The landscape moves prefixes. Pick a run with prefixes.")
    if run.config.adapter.kind == "head_only" and not config.head:
        raise DPFlatError("This run trained a head alone, so nothing moves with head=false. Use head=true.")
    points = getattr(config, "points", 1)
    if points % 2 == 0:
        raise DPFlatError(f"points is odd, so that the weights themselves are among them; got {points}.")
    if isinstance(config, LinesConfig) and config.toward is not None:
        if config.toward == run.id:
            raise DPFlatError("toward names another run; got this one.")
        if (config.points - 1) % 6 or not config.head:
            raise DPFlatError("toward takes head=true, and points of 7, 13, 19, 25, ..., to have both runs among them.")


def noise_deviation(run: RunConfig, epsilon: float) -> float:
    """Standard deviation of the noise in an entry of a step's mean gradient, sigma C / B, at some epsilon.

    It is that of plain DP-SGD with the run's data, batch size, clipping norm and number of steps, so that runs which
    share those have one unit of length, whatever their own noise and whatever a selection of layers or a twin took of
    epsilon. The noise is that of RDP for every run, whichever accountant prices it: stored lengths stay what they are.

    Raises:
        DPFlatError: when this epsilon cannot be met.

    Privacy: none.
    """
    kept = {"max_grad_norm": run.privacy.max_grad_norm} if isinstance(run.privacy, DPPrivacy) else {}
    privacy = DPPrivacy(epsilon=epsilon, accountant="rdp", **kept)
    at = run.model_copy(update={"privacy": privacy, "flatness": FlatnessConfig()})
    steps = plan_privacy(at)[0].mechanisms[-1]
    assert isinstance(steps, SubsampledGaussian)
    return steps.noise_multiplier * steps.max_grad_norm / run.optimiser.batch_size
