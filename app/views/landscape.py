"""The page Landscape and curvature: how steep it is round the weights, and whether the picture can be believed."""

from collections.abc import Mapping
from typing import Any, get_args

from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.settings import PlaneConfig
from app.address import one_of, text, whole
from app.page import Page, add_page, load_later

TABS = {"slice": "Slice", "curvature": "Curvature", "trust": "Can I trust this?"}
COUNTS = (5, 10, 20)
SCALES = ["0.25", "0.5", "1", "2", "4"]
NO_PREFIXES = "No finished run has prefixes in its layers yet."


def has_prefixes(row: Mapping[str, Any]) -> bool:
    """Whether a run is finished and has prefixes in its layers."""
    return row["state"] == "finished" and bool(row.get("layers"))


add_page(
    Page(
        "landscape",
        "Landscape and curvature",
        "How steep is it round these weights, and can the picture be believed?",
        load_later("app.ui.page_landscape"),
        (
            text("a"),
            text("b", "none"),
            one_of("tab", list(TABS)),
            text("rows"),
            one_of("head", ("out", "in")),
            one_of("measure", ("loss", "accuracy")),
            one_of("plane", get_args(PlaneConfig.model_fields["plane"].annotation)),
            one_of("surface", {"on": True, "off": False}),
            whole("step", 0, 999_999_999, "end"),
            one_of("count", COUNTS),
            one_of("engine", get_args(CurvatureConfig.model_fields["engine"].annotation)),
            one_of("scale", SCALES),
        ),
        group="Inspect",
        place=31,
        needs=has_prefixes,
        otherwise=NO_PREFIXES,
    )
)
