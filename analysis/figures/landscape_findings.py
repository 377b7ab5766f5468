"""What stands over the figures of landscape and curvature: of one seed each, so nothing here is a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.curvature.ball import Rise
from analysis.curvature.results import Curvature
from analysis.figures.findings import MINUS, Finding, Verdict
from analysis.figures.point_side import PointSide
from analysis.landscape.results import Lines, Plane, Trust
from analysis.landscape.walk import walk_share

SEED = "(1 seed)"
ROUNDING, NEAR = 1e-3, 0.05
"""Nats that bfloat16 changes of a rise, as measured; share of the top eigenvalue below which signs are lost."""


def show_value(value: float) -> str:
    """Three figures, with the true minus sign; in words what is no number."""
    return "not finite" if not np.isfinite(value) else f"{value:.3g}".replace("-", MINUS)


def _descriptive(text: str) -> Finding:
    return Finding(f"{text} {SEED}", Verdict.DESCRIPTIVE)


def _each(sides: Sequence[PointSide[object]], values: Sequence[str]) -> str:
    named = [f"{value} ({side.letter})" for side, value in zip(sides, values, strict=True)]
    return " and ".join(named) if len(named) > 1 else values[0]


def mean_rise(lines: Lines, place: int) -> float:
    """Mean rise over all lines and both of their ends, n points from the middle."""
    rises = lines.rises()
    return float((rises[:, lines.middle + place] + rises[:, lines.middle - place]).mean() / 2)


def describe_lines(sides: Sequence[PointSide[Lines]]) -> Finding:
    """How far the loss rises half way out, on average over both ends of every line."""
    lines = sides[0].result
    place = (len(lines.positions) - 1) // 4
    distance = show_value(float(lines.positions[lines.middle + place]))
    rises = _each(sides, [show_value(mean_rise(side.result, place)) for side in sides])
    return _descriptive(f"{distance} noise lengths out the loss changes by {rises} nats on average")


def describe_way(side: PointSide[Lines]) -> Finding:
    """How high the barrier between A and B is, as far as the points tell."""
    barrier = side.result.barrier()
    inside = int(((side.result.positions > -1e-9) & (side.result.positions < 1 + 1e-9)).sum())
    if barrier is None:
        return _descriptive("Between A and B the loss is not finite everywhere")
    if barrier < ROUNDING:
        return _descriptive(f"Between A and B no barrier is seen at {inside} points")
    return _descriptive(f"Between A and B the loss lies at most {show_value(barrier)} nats above the straight line")


def describe_plane(sides: Sequence[PointSide[Plane]]) -> Finding:
    """How far the loss rises and falls over the plane; how much of the path it holds."""
    reported = []
    for side in sides:
        places, loss, _ = side.result.drawable()
        rises = loss - loss[len(places) // 2, len(places) // 2]
        reported.append(f"{show_value(float(np.nanmin(rises)))} to {show_value(float(np.nanmax(rises)))}")
    shares = [side.result.share for side in sides]
    held = [f"{100 * share:.0f} %" for share in shares if share is not None]
    path = f"; it holds {_each(sides, held)} of the kept path" if len(held) == len(sides) else ""
    return _descriptive(f"Over this plane the loss changes by {_each(sides, reported)} nats{path}")


def describe_walk(side: PointSide[Plane]) -> str:
    """The share of the path beside that of a random walk of as many points; empty where there is no path."""
    plane = side.result
    if plane.path is None or plane.share is None:
        return ""
    points = len(plane.path)
    return (
        f"{side.letter}: of the squared distances of {points} kept points from these weights this plane holds "
        f"{100 * plane.share:.0f} %. A random walk of {points} equal steps in many dimensions has "
        f"{100 * walk_share(points):.0f} % in two principal components: the number is large by construction."
    )


def describe_eigenvalues(sides: Sequence[PointSide[Curvature]]) -> Finding:
    """The largest eigenvalue of each run, where it has converged."""
    reported = []
    for side in sides:
        top = side.result.top[0].value if side.result.top else None
        reported.append("not converged" if top is None else show_value(top))
    return _descriptive(f"The largest eigenvalue is {_each(sides, reported)}")


def describe_blocks(sides: Sequence[PointSide[Curvature]]) -> Finding:
    """The block with the largest eigenvalue of each run."""
    reported = []
    for side in sides:
        known = {
            name: top.value for name, (top, _) in side.result.blocks.items() if top.value is not None and name != "head"
        }
        if not known:
            reported.append("not converged")
            continue
        name = max(known, key=lambda block: known[block])
        reported.append(f"{name.replace('prefix.', 'layer ')}, {show_value(known[name])}")
    return _descriptive(f"The steepest block is {_each(sides, reported)}")


def describe_spectrum(sides: Sequence[PointSide[Curvature]]) -> Finding:
    """How much of the spectrum lies near zero; the signs there are not resolved."""
    reported = []
    for side in sides:
        assert side.result.spectrum is not None
        values, shares = side.result.spectrum
        near = np.abs(values) <= NEAR * np.abs(values).max()
        reported.append(f"{100 * float(shares[near].sum()):.0f} %")
    return _descriptive(f"About {_each(sides, reported)} of the eigenvalues are below a twentieth of the largest")


def describe_ball(sides: Sequence[PointSide[Curvature]]) -> Finding:
    """What noise of one step does to the loss, with the interval of the mean over draws."""
    reported = []
    for side in sides:
        rise = next((rise for rise in side.result.rises if rise.scale == 1), None)
        reported.append(_interval(rise) if rise else "not measured")
    return _descriptive(f"Noise of 1 length changes the loss by {_each(sides, reported)} nats")


def describe_left_out(side: PointSide[Curvature]) -> str:
    """Which rises have no place on logarithmic axes, with their values; empty where all have one."""
    reported = [
        f"{rise.scale:g} times the noise: measured {_interval(rise)}, from the trace {show_value(predicted)}"
        for predicted, rise in side.result.split_rises()[1]
    ]
    if not reported:
        return ""
    sizes = f"{len(reported)} of {len(side.result.rises)} sizes of noise"
    return (
        f"{side.letter}: {sizes} are not drawn, since a logarithmic axis has no place for what is not above zero. "
        f"{'; '.join(reported)}."
    )


def _interval(rise: Rise) -> str:
    return f"{show_value(rise.mean)} [{show_value(rise.low)}, {show_value(rise.high)}]"


def describe_trust(sides: Sequence[PointSide[Trust]]) -> Finding:
    """Whether the answer depends on the plane."""
    first = sides[0].result
    if len(sides) == 1:
        low, high = (show_value(float(end)) for end in (np.min(first.planes), np.max(first.planes)))
        return _descriptive(f"Over {len(first.planes)} planes the reading goes from {low} to {high} nats")
    second = sides[1].result
    planes = list(zip(first.planes, second.planes, strict=False))
    less, equal = sum(b < a for a, b in planes), sum(b == a for a, b in planes)
    named = [("top-Hessian", first.top, second.top), ("path", first.path, second.path)]
    others = [(name, b < a) for name, a, b in named if a is not None and b is not None and a != b]
    words = ", ".join(f"in the {name} plane {'less' if lower else 'more'}" for name, lower in others)
    text = f"In {less} of {len(planes)} random planes B rises less than A"
    text += f", in {equal} as much" if equal else ""
    text += f"; {words}" if words else ""
    if len({less == len(planes), less != 0, *(lower for _, lower in others)}) > 1:
        text += ": the answer depends on the plane"
    return _descriptive(text)


def describe_finer(side: PointSide[Trust]) -> str:
    """What halving every step of the grid changes in the first plane."""
    trust = side.result
    if trust.finer is None or not trust.planes:
        return f"{side.letter}: the finer grid is not measured yet."
    return (
        f"{side.letter}: a grid twice as fine reads {show_value(trust.finer)} instead of "
        f"{show_value(trust.planes[0])} nats in the first plane."
    )


def describe_shift(side: PointSide[Trust]) -> str:
    """What one constant added to every row of the head changes: nothing but the box."""
    trust = side.result
    if trust.losses is None or trust.boxes is None:
        return f"{side.letter}: {trust.why_no_shift or 'not measured yet.'}"
    change = abs(trust.losses[1] - trust.losses[0])
    before, after = (show_value(box) for box in trust.boxes)
    return (
        f"{side.letter}: {trust.shift:g} added to every row of the head changes the loss by {change:.1g} nats "
        f"(rounding) and Keskar's box |w| + 1 of the head from {before} to {after}."
    )


def describe_head(side: PointSide[Curvature]) -> str:
    """What the head's own block does beside those of the prefixes."""
    head = side.result.blocks.get("head", (None, None))[0]
    known = [top.value for name, (top, _) in side.result.blocks.items() if name != "head" and top.value is not None]
    if head is None and known:
        return f"{side.letter}: no head is trained here."
    if head is None or head.value is None or not known:
        return f"{side.letter}: blocks are not measured yet."
    return (
        f"{side.letter}: by itself the head has the largest eigenvalue {show_value(head.value)}, the steepest layer "
        f"{show_value(max(known))}."
    )


def describe_rescaled(letter: str, found: Curvature | None, scale: float) -> str:
    """The steepest layer's eigenvalue in coordinates u = w / s: s^2 times as large, exactly."""
    known = {
        name: top.value
        for name, (top, _) in (found.blocks.items() if found else ())
        if top.value is not None and name != "head"
    }
    if not known:
        return f"{letter}: blocks are not measured yet (tab Curvature)."
    name = max(known, key=lambda block: known[block])
    return (
        f"{letter}: with s = {scale:g} the largest eigenvalue of {name.replace('prefix.', 'layer ')} is "
        f"{show_value(known[name] * scale**2)}; every prediction, and sharpness relative to the weights, stays."
    )
