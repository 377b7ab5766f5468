"""The first questions asked of the method, each answered by the rows of `studies/claims.yaml` that judge it."""

from __future__ import annotations

from analysis.claims.results import JudgedClaims
from analysis.figures.claim_findings import describe_raw, describe_row

QUESTIONS: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("Is DP-Flat at epsilon 3 as accurate as full fine-tuning without privacy?", ((1, 1), (1, 2))),
    ("Do attacks do better on DP-Flat than on the DP baseline?", ((8, 0),)),
    ("What does DP-Flat gain over DP prefix tuning at epsilon 3, on QNLI and elsewhere?", ((2, 2), (2, 1), (2, 0))),
    ("And in black box, where only vectors at the input are trained?", ((3, 0), (3, 1))),
    ("The ablation: does each level alone gain accuracy?", ((4, 0), (4, 1), (4, 2))),
    ("Does each level end flatter?", ((5, 0), (5, 1), (5, 2), (5, 3))),
    ("How sensitive is lambda?", ((11, 0), (11, 1), (11, 2), (11, 3), (11, 4))),
    ("Does DP end sharper than training without noise?", ((6, 0),)),
    ("Are flatter runs more accurate?", ((7, 0),)),
)
"""Each with card, counted from 1, and row, counted from 0."""


def write_answers(judged: JudgedClaims) -> str:
    """Markdown: under each question a line a row, with its card, its verdict and number, and the seeds behind it."""
    lines = []
    for question, places in QUESTIONS:
        lines.append(f"\n**{question}**")
        rows = [judged.cards[card - 1].rows[row] for card, row in places]
        for (card, _), row in zip(places, rows, strict=True):
            seeds = f" ({row.seeds} seeds)" if row.seeds and not row.correlation else ""
            found = describe_row(row, judged.claims).text.rstrip(".")
            lines.append(f"- {row.row.name} (card {card}): {found}{seeds}.")
        if raw := describe_raw(rows):
            lines.append(f"- {raw}")
    return "\n".join(lines).strip("\n")
