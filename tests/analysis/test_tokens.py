import tomllib
from pathlib import Path

import pytest

from analysis.figures import tokens
from analysis.figures.tokens import PALETTES, plotly_template

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


def streamlit_theme(mode):
    """The `[theme.light]` or `[theme.dark]` section of the app's configuration."""
    palette = tokens.PALETTES[mode]
    return {
        "primaryColor": palette.baseline,
        "backgroundColor": palette.page,
        "secondaryBackgroundColor": palette.panel,
        "textColor": palette.ink,
        "linkColor": palette.baseline,
        "borderColor": palette.hairline,
        "chartCategoricalColors": [palette.baseline, palette.full, palette.part, palette.reference],
    }


def streamlit_base():
    """The `[theme]` section: what both modes share."""
    return {
        "baseFontSize": tokens.BODY_PX,
        "baseRadius": f"{tokens.RADIUS_PX}px",
        "headingFontSizes": [
            f"{tokens.PAGE_TITLE_PX}px",
            f"{tokens.GUARANTEE_PX}px",
            f"{tokens.SECTION_PX}px",
            f"{tokens.FIGURE_TITLE_PX}px",
        ],
        "headingFontWeights": [600, 600, 600, 600],
    }


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_app_has_the_theme_of_the_tokens(mode):
    theme = tomllib.loads(CONFIG.read_text())["theme"]
    assert theme[mode] == streamlit_theme(mode)
    assert {k: v for k, v in theme.items() if not isinstance(v, dict)} == streamlit_base()


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_text_and_marks_can_be_told_from_their_background(palette):
    assert contrast(palette.ink, palette.page) >= 12
    for text in (palette.ink_2, palette.ink):
        assert contrast(text, palette.panel) >= 4.5
    for mark in (palette.reference, palette.part, palette.full):
        assert contrast(mark, palette.page) >= 3.0
    for mark in (palette.baseline, palette.danger):
        assert contrast(mark, palette.page) >= 4.5
    assert contrast(palette.amber_text, palette.amber_tint) >= 4.5
    assert contrast(palette.danger_text, palette.danger_tint) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_template_uses_its_own_page_and_ink(mode):
    layout = plotly_template(mode).layout
    assert layout.paper_bgcolor == PALETTES[mode].page
    assert layout.font.color == PALETTES[mode].ink
