"""A kind of analysis in one file: how large the entries of each layer's prefix are. It reads weights, and no row."""

from dataclasses import dataclass
from typing import Literal

from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.parts import Part
from analysis.settings import AnalysisConfig


class PrefixSizesConfig(AnalysisConfig):
    """Mean absolute entries of the final prefixes."""

    kind: Literal["prefix_sizes"] = "prefix_sizes"
    schema_version: Literal[1] = 1
    data: Literal["none"] = "none"
    power: int = 1


@dataclass(frozen=True)
class PrefixSizes:
    by_layer: dict[str, float]

    def rows(self):
        return [{"layer": layer, "mean size": f"{size:.4g}"} for layer, size in self.by_layer.items()]


def begin(run, config):
    from analysis.begun import Begun
    from analysis.opening import open_objective, read_weights
    from dpflat.core.prefix import trained_prefixes

    objective = open_objective(run)
    weights = read_weights(run, None, objective)
    sizes = {key: float((weights[key].abs() ** config.power).mean()) for key in trained_prefixes(weights)}
    return Begun(objective.backbone, {}, lambda parts, tell: iter([Part("sizes", {"by_layer": sizes})]))


def draw(found, mode):
    import plotly.graph_objects as go

    return go.Figure(go.Bar(x=list(found.by_layer), y=list(found.by_layer.values())))


def find_figures(runs, root, wanted=None):
    from app.shown.stored import find_each

    return find_each("prefix_sizes", runs, root, wanted, add)


def add(stored, letter, run, config, found):
    import pandas as pd

    from analysis.figures.findings import Finding, Verdict
    from app.shown.code import code_of_result
    from app.shown.figure import ShownFigure

    largest = max(found.by_layer, key=found.by_layer.get)
    shown = ShownFigure(
        "prefix_sizes",
        Finding(f"The entries of {largest} are the largest", Verdict.DESCRIPTIVE),
        f"Mean absolute entry · seed {run.config.seed}",
        lambda mode: draw(found, mode),
        config.entry_class(run.ledger.guarantee().answer),
        pd.DataFrame(found.rows()),
        code_of_result(run, config, {}, f'from {__name__} import draw\n\ndraw(found, "light")'),
    )
    stored.add(shown, letter)


KINDS.register(
    "prefix_sizes",
    Kind(
        settings=PrefixSizesConfig,
        list_shares=lambda _: {"sizes": 1},
        words={"sizes": "sizes of prefixes"},
        begin=f"{__name__}:begin",
        read=lambda content, _: PrefixSizes(content["parts"]["sizes"]["by_layer"]),
        show=lambda _, found: [found.rows(), "Sizes say nothing of flatness."],
        title="Sizes of prefixes",
        figures=f"{__name__}:find_figures",
    ),
)
