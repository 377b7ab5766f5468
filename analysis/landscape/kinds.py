"""Lines, planes and the comparison of planes as kinds of analysis. No torch."""

from analysis.kind import Kind
from analysis.landscape.forecast import forecast_lines, forecast_plane, forecast_trust
from analysis.landscape.results import read_lines, read_plane, read_trust
from analysis.landscape.settings import LinesConfig, PlaneConfig, TrustConfig, check_point

LINES = Kind(
    LinesConfig,
    check_point,
    lambda _: {"lines": 1},
    {"lines": "loss along lines"},
    read_lines,
    forecast_lines,
    begin="analysis.landscape.lines:begin_lines",
)
PLANE = Kind(
    PlaneConfig,
    check_point,
    lambda config: {"axes": 12 if config.plane == "hessian" else 0.1, "grid": 40},
    {"axes": "directions of the plane", "grid": "loss over the plane"},
    read_plane,
    forecast_plane,
    begin="analysis.landscape.planes:begin_plane",
)
TRUST = Kind(
    TrustConfig,
    check_point,
    lambda _: {"planes": 50, "top": 10, "path": 2, "finer": 8, "rescaling": 0.1},
    {
        "planes": "random planes",
        "top": "plane of the top eigenvectors",
        "path": "plane of the path",
        "finer": "a finer grid",
        "rescaling": "rescalings",
    },
    read_trust,
    forecast_trust,
    begin="analysis.landscape.trust:begin_trust",
)
