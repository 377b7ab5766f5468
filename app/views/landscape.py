"""The page Landscape and curvature: how steep it is round the weights, and whether the picture can be believed."""

from typing import get_args

from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.settings import PlaneConfig
from app.address import one_of, text, whole
from app.page import Needs, Page, add_page, load_later

TITLE = "Landscape and curvature"
QUESTION = "How steep is it round these weights, and can the picture be believed?"
TABS = {"slice": "Slice", "curvature": "Curvature", "trust": "Can I trust this?"}
COUNTS = (5, 10, 20)
SCALES = ("0.25", "0.5", "1", "2", "4")
PARAMETERS = (
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
)
NEEDS_PREFIXES = Needs(
    "No finished run has prefixes in its layers yet.",
    lambda row: row["state"] == "finished" and bool(row.get("layers")),
)

add_page(
    Page(
        "landscape",
        TITLE,
        QUESTION,
        load_later("app.ui.page_landscape"),
        PARAMETERS,
        "Inspect",
        31,
        needs=NEEDS_PREFIXES,
    )
)
