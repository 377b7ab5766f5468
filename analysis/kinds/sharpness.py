"""The sharpness of the final weights as a kind of analysis. No torch."""

from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.sharpness import SharpnessConfig, check_sharpness, forecast_sharpness, read_sharpness

SHARPNESS = Kind(
    settings=SharpnessConfig,
    check=check_sharpness,
    list_shares=lambda _: {"whole": 1.0},
    words={"whole": "all prefixes together"},
    forecast=forecast_sharpness,
    begin="analysis.layers.analyse:begin_whole",
    read=read_sharpness,
    order=2,
)
KINDS.register("sharpness", SHARPNESS)
