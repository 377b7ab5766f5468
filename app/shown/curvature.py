"""Figures of curvature: eigenvalues, spectrum, blocks, and what noise does, measured and predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.curvature.results import Curvature
from analysis.curvature.tables import block_rows, eigenvalue_rows, rise_rows, spectrum_rows
from analysis.figures.curvature import draw_ball, draw_blocks, draw_eigenvalues, draw_spectrum
from analysis.figures.findings import Finding
from analysis.figures.landscape_findings import (
    describe_ball,
    describe_blocks,
    describe_eigenvalues,
    describe_head,
    describe_left_out,
    describe_spectrum,
)
from app.shown.asked import Asked
from app.shown.figure import ShownFigure


def compose_eigenvalues(asked: Asked) -> ShownFigure | None:
    """The largest eigenvalues and the lowest one; None where they are not measured yet."""
    measured = asked.only(lambda found: bool(found.top))
    if not measured.sides:
        return None
    return _compose(
        measured,
        "eigenvalues",
        describe_eigenvalues(measured.sides),
        "Eigenvalues of the Hessian, nats per length², whiskers: residuals",
        draw_eigenvalues,
        eigenvalue_rows,
        tuple(describe_head(side) for side in measured.sides),
    )


def compose_spectrum(asked: Asked) -> ShownFigure | None:
    """The density of all eigenvalues; None where it is not measured yet."""
    measured = asked.only(lambda found: found.spectrum is not None)
    if not measured.sides:
        return None
    return _compose(
        measured,
        "spectrum",
        describe_spectrum(measured.sides),
        "Density of all eigenvalues, by stochastic Lanczos quadrature, random vectors: "
        f"{_count(measured, 'spectrum', lambda found: found.probes)}; every point widened to a fiftieth of how far its "
        "side of zero reaches",
        draw_spectrum,
        spectrum_rows,
    )


def compose_blocks(asked: Asked) -> ShownFigure | None:
    """The largest eigenvalue of each block; None where they are not measured yet."""
    measured = asked.only(lambda found: bool(found.blocks))
    if not measured.sides:
        return None
    return _compose(
        measured,
        "blocks",
        describe_blocks(measured.sides),
        "Largest eigenvalue of each block by itself, nats per length²; blocks: "
        f"{_count(measured, 'blocks', lambda found: len(found.blocks))}",
        draw_blocks,
        block_rows,
    )


def compose_ball(asked: Asked) -> ShownFigure | None:
    """What noise does to the loss, measured and from the trace; None where it is not measured yet."""
    measured = asked.only(lambda found: bool(found.rises))
    if not measured.sides:
        return None
    draws = _count(measured, "ball", lambda found: found.draws)
    return _compose(
        measured,
        "ball",
        describe_ball(measured.sides),
        f"Mean rise under noise, draws: {draws}, at half to eight times the noise of a step at epsilon "
        f"{measured.config.noise_epsilon:g}; interval over pairs of draws",
        draw_ball,
        rise_rows,
        tuple(filter(None, (describe_left_out(side) for side in measured.sides))),
    )


def _count(asked: Asked, part: str, count: Callable[[Curvature], int]) -> str:
    """How many of a part's pieces there are, of A or B, and whether more are to come."""
    reported = [f"{count(side.result)}{' so far' if part in side.result.unfinished else ''}" for side in asked.sides]
    return " or ".join(dict.fromkeys(reported))


def _compose(
    asked: Asked,
    name: str,
    finding: Finding,
    what: str,
    draw: Callable[[Any, Any], Any],
    rows: Callable[[Any], list[dict[str, str]]],
    notes: tuple[str, ...] = (),
) -> ShownFigure:
    return ShownFigure(
        f"curvature_{name}_{asked.letters}",
        finding,
        asked.subtitle(what),
        lambda mode: draw(asked.sides, mode),
        asked.entry_class(),
        asked.table(rows),
        asked.make_code("curvature", f'draw_{name}(sides, "light")'),
        notes,
    )
