"""What a run's epsilon went to: each accounted part alone, and all of them together."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures import tokens
from dpflat.privacy.wording import show_epsilon

TOGETHER = "together"
ROW_PX = 34


def draw_budget(parts: dict[str, float], epsilon: float, mode: tokens.Mode) -> go.Figure:
    """One bar a part, the whole last.

    Args:
        parts: epsilon of each part alone, by name, of `PrivacyLedger.parts`.
        epsilon: of all of them together.
        mode: light or dark.

    Example:
        >>> figure = draw_budget({"gradient steps": 2.5, "choice of layers": 0.8}, 3.0, "light")
        >>> figure.data[0].text
        ('2.50', '0.80', '3.00')
    """
    bars = parts | {TOGETHER: epsilon}
    height = ROW_PX * len(bars) + tokens.MARGIN["t"] + tokens.MARGIN["b"]
    figure, palette = tokens.start_figure(mode, height, bargap=0.35)
    figure.add_trace(
        go.Bar(
            x=list(bars.values()),
            y=list(bars),
            orientation="h",
            marker={"color": [palette.ink_2 if name == TOGETHER else palette.baseline for name in bars]},
            text=[show_epsilon(value) for value in bars.values()],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(title_text="ε", rangemode="tozero", range=[0, 1.12 * max(bars.values())])
    return figure
