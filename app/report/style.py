"""The looks of an offline file, from the tokens: light, dark, or as the reader's system asks."""

from __future__ import annotations

from dataclasses import asdict

from analysis.figures import tokens

LINE_CH = 58  # a digit is wider than a letter: this holds at most 75 characters
RULES = f"""
*, *::before {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: {tokens.BODY_PX}px/24px {tokens.FONT}; }}
main {{ max-width: {tokens.MAIN_WIDTH_PX + 64}px; margin: 0 auto; padding: 32px; }}
h1 {{ font-size: {tokens.PAGE_TITLE_PX}px; line-height: 34px; font-weight: 600; margin: 0 0 4px; }}
h2 {{ font-size: {tokens.SECTION_PX}px; line-height: 28px; font-weight: 600; margin: 48px 0 12px; }}
h3 {{ font-size: {tokens.FIGURE_TITLE_PX}px; line-height: 22px; font-weight: 600; margin: 0 0 4px; }}
h1, h2, h3, p, li, summary {{ max-width: {LINE_CH}ch; overflow-wrap: anywhere; }}
p {{ margin: 0 0 12px; }}
.guarantee {{ font-size: {tokens.GUARANTEE_PX}px; line-height: 30px; font-weight: 600; margin: 16px 0 12px; }}
.small, figcaption, summary, nav {{ font-size: {tokens.SMALL_PX}px; line-height: 18px; color: var(--ink_2); }}
figure {{ margin: 0 0 32px; min-width: 0; }}
.foot {{ display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 8px 0; }}
.foot p {{ margin: 0; }}
.badge {{ display: inline-block; border: 1px solid var(--hairline); border-radius: {tokens.RADIUS_PX}px;
  padding: 1px 8px; font-size: {tokens.SMALL_PX}px; line-height: 18px; background: var(--panel);
  color: var(--ink_2); white-space: nowrap; }}
.badge.diagnostic {{ background: var(--amber_tint); color: var(--amber_text); }}
.badge.breaking {{ background: var(--danger_tint); color: var(--danger_text); }}
.scroll {{ overflow-x: auto; margin: 8px 0 16px; }}
table {{ width: max-content; max-width: {tokens.MAIN_WIDTH_PX}px; border-collapse: collapse;
  font-size: {tokens.TABLE_PX}px; line-height: 20px;
  font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: 4px 16px 4px 0; vertical-align: top; border-bottom: 1px solid var(--hairline); }}
th {{ font-weight: 400; color: var(--ink_2); }}
td.number, th.number {{ text-align: right; }}
pre {{ background: var(--panel); border-radius: {tokens.RADIUS_PX}px; padding: 12px; margin: 8px 0 16px;
  overflow-x: auto; font: {tokens.SMALL_PX}px/18px ui-monospace, monospace; }}
nav a {{ margin-right: 16px; }}
a {{ color: var(--baseline); }}
:focus-visible {{ outline: 2px solid var(--baseline); outline-offset: 2px; }}
details {{ margin: 8px 0; }}
summary {{ cursor: pointer; }}
footer {{ margin-top: 48px; }}
@media (max-width: 640px) {{ main {{ padding: 16px; }} }}
@media print {{ details {{ display: none; }} figure, table {{ break-inside: avoid; }} }}
"""


def write_style(modes: tuple[tokens.Mode, ...]) -> str:
    """The rules and the colours.

    Args:
        modes: one, or light and dark for what the reader's system asks.
    """
    first = f":root {{ color-scheme: {' '.join(modes)}; {_variables(modes[0])} }}"
    others = [f"@media (prefers-color-scheme: {mode}) {{ :root {{ {_variables(mode)} }} }}" for mode in modes[1:]]
    return "\n".join([first, *others, RULES])


def _variables(mode: tokens.Mode) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in asdict(tokens.PALETTES[mode]).items())
