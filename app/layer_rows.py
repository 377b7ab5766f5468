"""What was measured of each layer, as rows that a terminal or a page shows."""

from __future__ import annotations

from analysis.layers.results import LayersResult

COLUMNS = (
    "layer",
    "removed",
    "sharpness",
    "spread",
    "out: accuracy",
    "in alone: accuracy",
    "key norm",
    "value norm",
    "attention",
)
MISSING = "not measured"


def layer_rows(found: LayersResult, removed: tuple[int, ...]) -> list[dict[str, str]]:
    """One row a layer of the backbone.

    Args:
        found: what was measured.
        removed: layers whose prefix was removed in the run, in order.
    """
    everything = max(found.asked(), key=len, default=())
    rows = []
    for layer in range(found.layers):
        box, norms = found.alone.get(layer, {}).get("box"), found.norms.get(layer)
        absent = "no prefix" if layer in removed else MISSING
        out = found.score(tuple(other for other in everything if other != layer)) if layer in everything else None
        alone = found.score((layer,))
        rows.append(
            {
                "layer": str(layer),
                "removed": f"round {removed.index(layer) + 1}" if layer in removed else "",
                "sharpness": f"{box.value:.3g}" if box else MISSING,
                "spread": f"{box.spread:.2g}" if box else MISSING,
                "out: accuracy": f"{100 * out.accuracy:.1f} %" if out else MISSING,
                "in alone: accuracy": f"{100 * alone.accuracy:.1f} %" if alone else MISSING,
                "key norm": f"{norms.key_norm:.3g}" if norms else absent,
                "value norm": f"{norms.value_norm:.3g}" if norms else absent,
                "attention": f"{100 * norms.attention_mass:.0f} %" if norms else absent,
            }
        )
    return rows
