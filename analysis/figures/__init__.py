"""Typed results as Plotly figures, with the sentences and the looks."""

from dpflat.lazy import load_later

_PLACES = {
    "LayerSide": "analysis.figures.layers",
    "PointSide": "analysis.figures.point_side",
    "Row": "analysis.figures.odds",
    "draw_alone": "analysis.figures.layers",
    "draw_attacks": "analysis.figures.attacks",
    "draw_budget": "analysis.figures.budget",
    "draw_claim": "analysis.figures.claims",
    "draw_decomposition": "analysis.figures.decomposition",
    "draw_odds": "analysis.figures.odds",
    "draw_tradeoff": "analysis.figures.tradeoff",
    "draw_trust": "analysis.figures.landscape",
    "group_drawn": "analysis.figures.claims",
}
__all__ = list(_PLACES)
__getattr__ = load_later(__name__, _PLACES)
