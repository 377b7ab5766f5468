"""The analysis of curvature as a kind. No torch."""

from typing import Any

from analysis.curvature.results import read_curvature
from analysis.curvature.settings import KNOWN, CurvatureConfig
from analysis.curvature.tables import block_rows, eigenvalue_rows, rise_rows
from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.landscape.forecast import forecast_curvature
from analysis.landscape.settings import check_point
from analysis.settings import PointConfig
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def _check(config: CurvatureConfig, run: Run) -> None:
    check_point(config, run)
    if config.draws % 2:
        raise DPFlatError(f"draws is even, since every draw comes with its opposite; got {config.draws}.")


SEARCH = ("tolerance", "most_products")
NEEDED = {
    "eigenvalues": ("engine", "count", *SEARCH),
    "trace": ("trace_probes", *SEARCH),
    "blocks": SEARCH,
    "ball": ("draws",),
    "spectrum": ("spectrum_probes", "spectrum_steps"),
}


def list_needed(config: CurvatureConfig, part: str) -> dict[str, Any]:
    """The settings that a part depends on; the trace, on whether there are `KNOWN` eigenvectors or fewer."""
    needed = config.model_dump(mode="json", include={*PointConfig.model_fields, *NEEDED[part]})
    return needed | ({"known": min(config.count, KNOWN)} if part == "trace" else {})


CURVATURE = Kind(
    settings=CurvatureConfig,
    check=_check,
    list_shares=lambda config: {"eigenvalues": 3 * config.count, "trace": 9, "blocks": 30, "ball": 100, "spectrum": 50},
    words={
        "eigenvalues": "eigenvalues",
        "trace": "the trace",
        "blocks": "blocks of layers",
        "ball": "rise under noise",
        "spectrum": "the spectrum",
    },
    forecast=forecast_curvature,
    begin="analysis.curvature.measure:begin_curvature",
    read=read_curvature,
    show=lambda _, found: [eigenvalue_rows(found), block_rows(found), rise_rows(found)],
    title="Curvature",
    figures="app.shown.stored_points:find_curvature_figures",
    order=7,
    list_needed=list_needed,
    more_memory_gb=0.6,
)
KINDS.register("curvature", CURVATURE)
