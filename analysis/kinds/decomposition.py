"""The decomposition of a difference in sharpness as a kind of analysis. No torch."""

from analysis.decomposition.results import read_decomposition
from analysis.decomposition.settings import (
    SHARES,
    WORDS,
    DecompositionConfig,
    check_decomposition,
    forecast_decomposition,
)
from analysis.decomposition.tables import cell_rows, comparison_rows
from analysis.figures.decomposition_findings import describe_decomposition, list_remarks
from analysis.kind import Kind
from analysis.kinds import KINDS

DECOMPOSITION = Kind(
    settings=DecompositionConfig,
    check=check_decomposition,
    list_shares=lambda _: SHARES,
    words=WORDS,
    forecast=forecast_decomposition,
    begin="analysis.decomposition.measure:begin_decomposition",
    read=read_decomposition,
    show=lambda _, found: [
        comparison_rows(found),
        cell_rows(found),
        f"{describe_decomposition(found).text}.",
        *list_remarks(found),
    ],
    title="Sharpness against another run",
    figures="app.shown.decomposition:find_decomposition_figures",
    order=3,
)
KINDS.register("decomposition", DECOMPOSITION)
