import json

import pandas as pd
import pytest

from analysis.figures.tokens import PALETTES
from app.ui.curves import draw, gather
from tests.app.pages import make_run, open_page

METRICS = pd.DataFrame({"step": [1, 2, 3], "loss": [0.7, 0.6, 0.5]})


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_of_two_runs_has_the_colour_of_its_method_in_line_points_and_band(mode):
    seeds = [METRICS, METRICS.assign(loss=METRICS["loss"] + 0.1)]
    points = gather({"A": seeds, "B": seeds}, "loss")
    spec = draw(points, "Training loss, nats", {"A": "baseline", "B": "full"}, 3, mode)
    palette = PALETTES[mode]
    band, line = spec["layer"][:2]
    for layer in (band, line):
        assert layer["encoding"]["color"]["scale"] == {
            "domain": ["A", "B"],
            "range": [palette.baseline, palette.full],
        }
        assert "color" not in layer["mark"]
    assert line["mark"]["point"] is True
    assert line["encoding"]["strokeDash"]["scale"]["range"][0] != line["encoding"]["strokeDash"]["scale"]["range"][1]


def test_two_runs_that_are_compared_are_drawn_in_the_colours_of_their_methods(stores):
    first = make_run(stores[0], "finished", 3, 0.7)
    second = make_run(stores[0], "finished", 3, 0.8, "privacy.kind=none")
    page = open_page("runs", v="1", grouped="0", a=first.id, b=second.id)
    specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    ranges = {tuple(layer["encoding"]["color"]["scale"]["range"]) for spec in specs for layer in spec["layer"][:1]}
    palette = PALETTES["light"]
    assert ranges == {(palette.baseline, palette.reference)}
