"""How long lines, planes and curvature take, before they start. No torch."""

from __future__ import annotations

from analysis.curvature.settings import SCALES, CurvatureConfig
from analysis.landscape.settings import LinesConfig, PlaneConfig, TrustConfig
from analysis.length import relative_length
from analysis.settings import PointConfig
from dpflat.catalog import BACKBONES, FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.training.forecast import START_SECONDS

PRODUCT_SHARE = 1.9
"""Work of a product with the Hessian, whose first pass is kept, over that of a gradient; as measured."""
TOP_TWO, TOP_FIVE, OF_BLOCK = 12, 20, 10
"""Products that eigenvalues usually take: the top two, five and the lowest, those of a block."""


def seconds_each(config: PointConfig, run: RunConfig) -> float | None:
    """Seconds to ask all rows for the loss once, in float32; None for a backbone of unknown speed."""
    card = BACKBONES.get(run.backbone.name)
    if card is None:
        return None
    return FORWARD_SHARE * relative_length(config, run) * config.examples / card.examples_per_second["float32"]


def products_of(products: float, config: PointConfig, run: RunConfig) -> float | None:
    """Seconds of n products with the Hessian."""
    each = seconds_each(config, run)
    return None if each is None else products * PRODUCT_SHARE / FORWARD_SHARE * each


def forecast_lines(config: LinesConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine."""
    each = seconds_each(config, run)
    lines = 1 if config.toward is not None else config.lines
    return None if each is None else START_SECONDS + lines * config.points * each


def forecast_plane(config: PlaneConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine."""
    each, axes = seconds_each(config, run), products_of(TOP_TWO if config.plane == "hessian" else 0, config, run)
    return None if each is None or axes is None else START_SECONDS + config.points**2 * each + axes


def forecast_trust(config: TrustConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine."""
    each, axes = seconds_each(config, run), products_of(TOP_TWO, config, run)
    if each is None or axes is None:
        return None
    finer = (2 * config.points - 1) ** 2
    return START_SECONDS + ((config.planes + 2) * config.points**2 + finer + 2) * each + axes


def forecast_curvature(config: CurvatureConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine."""
    card, each = BACKBONES.get(run.backbone.name), seconds_each(config, run)
    if card is None or each is None:
        return None
    spectrum = config.spectrum_probes * config.spectrum_steps
    products = TOP_FIVE * config.count / 5 + config.trace_probes + (card.layers + 1) * OF_BLOCK + spectrum
    whole = products_of(products, config, run)
    assert whole is not None
    return START_SECONDS + whole + len(SCALES) * config.draws * each
