"""What was measured of each layer, as rows that a terminal or a page shows."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.layers.results import LayersResult, Reading

MISSING = "not measured"
NEIGHBOURHOODS = {
    "box": "Keskar's box",
    "ball": "L2 ball (SAM)",
    "adaptive": "elementwise box",
    "average": "Gaussian, mean",
}


def layer_rows(found: LayersResult, removed: tuple[int, ...]) -> list[dict[str, str]]:
    """One row a layer of the backbone.

    Args:
        found: what was measured.
        removed: layers whose prefix was removed in the run, in order.
    """
    everything = found.everything()
    rows = []
    for layer in range(found.layers):
        box, norms = found.alone.get(layer, {}).get("box"), found.norms.get(layer)
        absent = "no prefix" if layer in removed else MISSING
        without = tuple(other for other in everything if other != layer)
        out = found.value(without, "accuracy") if layer in everything else None
        alone = found.value((layer,), "accuracy")
        rows.append(
            {
                "layer": str(layer),
                "removed": "removed" if layer in removed else "",
                "sharpness": show_number(box.value) if box else MISSING,
                "spread": show_number(box.spread) if box else MISSING,
                "out: accuracy": f"{100 * out:.1f} %" if out is not None else MISSING,
                "in alone: accuracy": f"{100 * alone:.1f} %" if alone is not None else MISSING,
                "key norm": f"{norms.key_norm:.3g}" if norms else absent,
                "value norm": f"{norms.value_norm:.3g}" if norms else absent,
                "attention": f"{100 * norms.attention_mass:.0f} %" if norms else absent,
            }
        )
    return rows


def show_number(value: float | None) -> str:
    """Three figures; a value that was not finite says so."""
    return "not finite" if value is None else f"{value:.3g}"


def sharpness_rows(found: LayersResult, matched: bool = True) -> list[dict[str, str]]:
    """Sharpness in every neighbourhood: all prefixes of the final weights together, then each layer's alone.

    Args:
        found: what was measured.
        matched: whether it stands there as if all layers' entries were moved, too: only where entries are alike.
    """
    entries = max((reading.entries for each in found.alone.values() for reading in each.values()), default=0)
    wanted = found.layers * entries if matched else None
    rows = [_sharpness_row("all, final weights", found.whole, wanted)] if found.whole else []
    return rows + [_sharpness_row(f"layer {layer}", readings, wanted) for layer, readings in found.alone.items()]


def _sharpness_row(name: str, readings: Mapping[str, Reading], entries: int | None) -> dict[str, str]:
    row = {"prefix": name}
    for measure, words in NEIGHBOURHOODS.items():
        reading = readings.get(measure)
        row[words] = f"{show_number(reading.value)} ± {show_number(reading.spread)}" if reading else MISSING
        if entries is not None:
            row[f"{words}, matched"] = show_number(reading.matched(measure, entries)) if reading else MISSING
    return row
