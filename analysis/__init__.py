"""What we ask of a trained run."""

from dpflat.lazy import load_later

_PLACES = {
    "build_settings": "analysis.kinds",
    "compare_two": "analysis.tradeoff",
    "curve_of_run": "analysis.odds",
    "find_or_measure": "analysis.measuring",
    "group_by_examples": "analysis.tradeoff",
    "judge_claims": "analysis.claims.judge",
    "most_found": "analysis.odds",
    "most_right": "analysis.odds",
    "read_claims": "analysis.claims.rules",
    "read_trace": "analysis.layers.trace",
    "removed_layers": "analysis.layers.trace",
    "split_difference": "analysis.decomposition.results",
    "summarise_group": "analysis.tradeoff",
}
__all__ = list(_PLACES)
__getattr__ = load_later(__name__, _PLACES)
