"""A run with every kind of figure, made up as its workers would have left it."""

from app.shown.kinds import find_figures, list_drawn
from tests.app.landscape import keep_all, keep_analysis, made_up_way
from tests.app.pages import give_layers, measure_layers, plan_run, trace_layers
from tests.app.test_attacks_tab import AUDIT, measure_attacks

EXPONENTIAL = "flatness.cross_layer.mode=exponential"
REMOVED = (4, 1)


def keep_everything(root, *settings):
    """A run whose layers were chosen in two rounds, with every analysis that draws something."""
    run = plan_run(root, EXPONENTIAL, *settings)
    scores = {layer: 0.1 + 0.01 * layer for layer in range(6)}
    rounds = [(4, scores, 0.01, 0.3), (1, {k: v for k, v in scores.items() if k != 4}, 0.01, 0.4)]
    trace_layers(give_layers(run, removed=REMOVED), *rounds)
    measure_layers(run, root)
    keep_all(run, root)
    measure_attacks(run, root, gap=1.0, audit=AUDIT)
    return run


def keep_way(run, other, root):
    """The way from a run to another."""
    return keep_analysis(run, root, {"kind": "lines", "toward": other.id, "points": 25, "head": True}, made_up_way())


def all_figures(runs, root):
    """Every figure that is stored, with its kind."""
    return [(kind, shown) for kind in list_drawn() for shown in find_figures(kind, runs, root).figures]
