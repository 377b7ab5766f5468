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


def reading(name, *rises, loss=0.6, layers=(0, 1), norm=7.8):
    entries = 512 * len(layers)
    return {
        "cell": name,
        "rises": list(rises),
        "random": [0.01, 0.02],
        "loss": loss,
        "entries": entries,
        "layers": list(layers),
        "head_norm": norm,
    }


def made_up_decomposition(run, other):
    """A reads 0.5 and B 0.1: 0.25 goes with the norm, nothing with layers, 0.15 remains."""
    a, b, tall = (0.48, 0.5), (0.09, 0.1), (0.34, 0.35)
    small = {"norm": 5.5, "loss": 0.7}
    rows = {
        "as_is": [reading("a", *a), reading("b", *b, **small)],
        "layers": [reading("a_layers", *a), reading("b_layers", *b, **small)],
        "norm": [reading(f"b{tail}_norm", *tall, loss=0.65) for tail in ("", "_layers")],
        "swap": [
            reading("a_swap", 0.2, 0.3, norm=5.5),
            reading("b_swap", 0.1, 0.3),
            reading("a_layers_swap", 0.2, 0.3, norm=5.5),
            reading("b_layers_swap", 0.1, 0.3),
        ],
        "untrained": [reading("a_untrained", 0.05, 0.06), reading("b_untrained", 0.03, 0.04, norm=5.5)],
    }
    parts = {name: {"rows": cells} for name, cells in rows.items()}
    return {"run": run.id, "against": other.id, "data": "test", "rows": "abc123", "examples": 256, "parts": parts}


def keep_against(run, other, root):
    """The decomposition of the difference in sharpness between a run and another."""
    content = made_up_decomposition(run, other)
    return keep_analysis(run, root, {"kind": "decomposition", "against": other.id}, content)


def all_figures(runs, root):
    """Every figure that is stored, with its kind."""
    return [(kind, shown) for kind in list_drawn() for shown in find_figures(kind, runs, root).figures]
