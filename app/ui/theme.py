"""Which mode the person sees, and the few rules of looks that Streamlit's theme cannot say."""

from __future__ import annotations

from html import escape

import streamlit as st

from analysis.figures import tokens

LINE_CH = 58  # a digit is wider than a letter: this holds at most 75 characters
STYLE = f"""
<style>
[data-testid="stMainBlockContainer"] {{ max-width: {tokens.MAIN_WIDTH_PX}px; padding: 3.5rem 2rem 4rem; }}
[data-testid="stMainBlockContainer"] :is(p, h2, h3, h4) {{ max-width: {LINE_CH}ch; }}
[data-testid="stCaptionContainer"] p {{ font-size: {tokens.SMALL_PX}px; line-height: 18px; }}
h1 {{ line-height: 34px; padding: 0 0 4px; }}
h2 {{ line-height: 30px; padding: 8px 0 4px; }}
h3 {{ line-height: 28px; padding: 8px 0 4px; }}
h4 {{ line-height: 22px; padding: 0; }}
@media (min-width: 641px) {{
  [data-testid="stColumn"]:has(.st-key-forecast) {{ position: sticky; top: 4rem; align-self: flex-start; }}
}}
@media (max-width: 640px) {{ [data-testid="stMainBlockContainer"] {{ padding: 3.5rem 1rem 3rem; }} }}
</style>
"""


def apply_style() -> None:
    """Put the rules on the page."""
    st.html(style_of(mode()))


def style_of(mode: tokens.Mode) -> str:
    """The rules as HTML; what Streamlit colours too faintly, in a colour that can be read."""
    palette = tokens.PALETTES[mode]
    rules = "".join(
        f"{selector} {{ color: {colour} !important; opacity: 1 !important; }}"
        for selector, colour in (
            ('[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] *', palette.ink_2),
            ('[data-testid="stTable"] th, [data-testid="stTable"] th *', palette.ink_2),
            ('[data-testid="stCode"] code *', palette.ink),
            ('[data-testid="stMainBlockContainer"] button[kind^="primary"] p', palette.page),
        )
    )
    return f"{STYLE}<style>{rules}</style>"


def mode() -> tokens.Mode:
    """Light or dark, as the person sees it; light where unknown."""
    return "dark" if st.context.theme.type == "dark" else "light"


def badge(glyph: str, words: str, tint: str = "panel", ink: str = "ink_2") -> str:
    """A badge: outline, a glyph that is not read aloud, and words."""
    palette = tokens.PALETTES[mode()]
    style = (
        f"display:inline-block;border:1px solid {palette.hairline};border-radius:{tokens.RADIUS_PX}px;padding:1px 8px;"
        f"font-size:{tokens.SMALL_PX}px;background:{getattr(palette, tint)};color:{getattr(palette, ink)}"
    )
    return f'<span style="{style}"><span aria-hidden="true">{escape(glyph)}</span> {escape(words)}</span>'
