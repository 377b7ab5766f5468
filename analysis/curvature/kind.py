"""The analysis of curvature as a kind. No torch."""

from analysis.curvature.results import read_curvature
from analysis.curvature.settings import CurvatureConfig
from analysis.kind import Kind
from analysis.landscape.forecast import forecast_curvature
from analysis.landscape.settings import check_point
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def _check(config: CurvatureConfig, run: Run) -> None:
    check_point(config, run)
    if config.draws % 2:
        raise DPFlatError(f"draws is even, since every draw comes with its opposite; got {config.draws}.")


CURVATURE = Kind(
    CurvatureConfig,
    _check,
    lambda _: {"eigenvalues": 15, "trace": 9, "blocks": 30, "ball": 100, "spectrum": 50},
    {
        "eigenvalues": "eigenvalues",
        "trace": "the trace",
        "blocks": "blocks of layers",
        "ball": "rise under noise",
        "spectrum": "the spectrum",
    },
    read_curvature,
    forecast_curvature,
    begin="analysis.curvature.measure:begin_curvature",
)
