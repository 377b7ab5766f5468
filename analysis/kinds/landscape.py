"""Lines, planes and the comparison of planes as kinds of analysis. No torch."""

from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.landscape.forecast import forecast_lines, forecast_plane, forecast_trust
from analysis.landscape.results import read_lines, read_plane, read_trust
from analysis.landscape.settings import LinesConfig, PlaneConfig, TrustConfig, check_point
from analysis.landscape.tables import line_rows, plane_rows, trust_rows

LINES = Kind(
    settings=LinesConfig,
    check=check_point,
    list_shares=lambda _: {"lines": 1},
    words={"lines": "loss along lines"},
    forecast=forecast_lines,
    begin="analysis.landscape.lines:begin_lines",
    read=read_lines,
    show=lambda _, found: [line_rows(found)],
    title="Along lines",
    figures="app.shown.stored_points:find_lines_figures",
    order=4,
)
KINDS.register("lines", LINES)
PLANE = Kind(
    settings=PlaneConfig,
    check=check_point,
    list_shares=lambda config: {"axes": 12 if config.plane == "hessian" else 0.1, "grid": 40},
    words={"axes": "directions of the plane", "grid": "loss over the plane"},
    forecast=forecast_plane,
    begin="analysis.landscape.planes:begin_plane",
    read=read_plane,
    show=lambda _, found: [plane_rows(found)],
    title="Over planes",
    figures="app.shown.stored_points:find_plane_figures",
    order=5,
)
KINDS.register("plane", PLANE)
TRUST = Kind(
    settings=TrustConfig,
    check=check_point,
    list_shares=lambda _: {"planes": 50, "top": 10, "path": 2, "finer": 8, "rescaling": 0.1},
    words={
        "planes": "random planes",
        "top": "plane of the top eigenvectors",
        "path": "plane of the path",
        "finer": "a finer grid",
        "rescaling": "rescalings",
    },
    forecast=forecast_trust,
    begin="analysis.landscape.trust:begin_trust",
    read=read_trust,
    show=lambda _, found: [trust_rows(found)],
    title="Over many planes",
    figures="app.shown.stored_points:find_trust_figures",
    order=6,
)
KINDS.register("trust", TRUST)
