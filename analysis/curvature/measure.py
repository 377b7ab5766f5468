"""What is asked of the curvature at the weights of a run, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from analysis.begun import Begun
from analysis.curvature.ball import Pair, measure_ball, summarise_ball
from analysis.curvature.estimates import Spectrum, average_spectra, estimate_trace, probe_spectrum
from analysis.curvature.hessian import hessian_at
from analysis.curvature.lanczos import Eigenpairs, Extremes, find_extremes, have_converged
from analysis.curvature.operator import SymmetricOperator
from analysis.curvature.second_engine import LossSurface, find_by_pyhessian
from analysis.curvature.settings import KNOWN, SCALES, CurvatureConfig
from analysis.landscape.scoring import score
from analysis.landscape.settings import noise_deviation
from analysis.opening import Point, open_point
from analysis.parts import Meter, Part, Tell, list_complete
from analysis.vectors import move, unflatten
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import head_keys, trained_prefixes
from dpflat.runs.record import Run
from dpflat.training.heartbeat import Heartbeat

EIGENVALUES, TRACE, BLOCKS, BALL, SPECTRUM, HEAD = "eigenvalues", "trace", "blocks", "ball", "spectrum", "head"


def begin_curvature(run: Run, config: CurvatureConfig) -> Begun:
    """A run whose curvature is ready to be measured, its backbone in float32.

    Raises:
        DPFlatError: when the run is not finished, or its files are damaged.
    """
    point = open_point(run, config)
    deviation = noise_deviation(run.config, config.noise_epsilon)
    return Begun(
        point.objective.backbone,
        point.conditions(deviation),
        lambda parts, tell: measure_curvature(point, config, deviation, parts, tell),
    )


def measure_curvature(
    point: Point, config: CurvatureConfig, deviation: float, parts: Mapping[str, Any], tell: Tell
) -> Iterator[Part]:
    """All parts that are not there yet, those that take long also on the way.

    Privacy: reads the rows of the point without noise; nothing shapes any weights.
    """
    done = set(list_complete(parts))
    if not {EIGENVALUES, TRACE} <= done:
        beat = Meter(tell, EIGENVALUES, config.most_products * point.examples)
        extremes = search(point, config, point.keys, config.count, beat)
        if EIGENVALUES not in done:
            yield read_eigenvalues(point, config, extremes, tell)
        if TRACE not in done:
            yield read_trace(point, config, extremes, tell)
    if BLOCKS not in done:
        yield from read_blocks(point, config, parts.get(BLOCKS, {}), tell)
    if BALL not in done:
        yield from read_ball(point, config, deviation, parts.get(BALL, {}), tell)
    if SPECTRUM not in done:
        yield from read_spectrum(point, config, parts.get(SPECTRUM, {}), tell)


def search(point: Point, config: CurvatureConfig, keys: tuple[str, ...], count: int, beat: Heartbeat) -> Extremes:
    """Both ends of the spectrum of the Hessian as to some entries."""
    generator = seed_generator(config.seed, Purpose.CURVATURE)
    return find_extremes(hessian_at(point, keys, beat), count, config.tolerance, config.most_products, generator)


def read_eigenvalues(point: Point, config: CurvatureConfig, extremes: Extremes, tell: Tell) -> Part:
    """Values with residuals, of the engine that the settings name; ours beside PyHessian's."""
    top = show(extremes.top)
    found: dict[str, Any] = {"engine": config.engine, "products": extremes.products, "bottom": show(extremes.bottom)}
    if config.engine == "own":
        return Part(EIGENVALUES, found | {"top": top})
    theirs = find_theirs(point, config, Meter(tell, EIGENVALUES, 1, (1.0, 1.0)))
    return Part(EIGENVALUES, found | {"top": show(theirs), "own_top": top})


def find_theirs(point: Point, config: CurvatureConfig, beat: Heartbeat) -> Eigenpairs:
    """PyHessian's eigenvalues, falling, with their residuals."""
    surface = LossSurface(point.objective, point.weights, point.keys, point.pieces, beat)
    values, vectors = find_by_pyhessian(surface, config.count, config.tolerance, config.most_products)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[order]
    operator = hessian_at(point, point.keys, beat)
    residuals = np.array([residual_of(operator, value, row) for value, row in zip(values, vectors, strict=True)])
    return Eigenpairs(values, residuals, have_converged(values, residuals, config.tolerance), vectors)


def residual_of(operator: SymmetricOperator, value: float, vector: np.ndarray) -> float:
    """The norm of H v - value v. Privacy: reads what `operator` reads."""
    return float(np.linalg.norm(operator.matvec(vector) - value * vector))


def show(pairs: Eigenpairs) -> list[dict[str, Any]]:
    """Eigenvalues as JSON values; one that has not converged has no value."""
    rows = zip(pairs.values, pairs.residuals, pairs.converged, strict=True)
    return [
        {"value": float(value) if converged else None, "residual": float(residual), "converged": bool(converged)}
        for value, residual, converged in rows
    ]


def read_trace(point: Point, config: CurvatureConfig, extremes: Extremes, tell: Tell) -> Part:
    """The trace, exactly in the space of the top few eigenvectors and by random signs outside."""
    operator = hessian_at(point, point.keys, Meter(tell, TRACE, config.trace_probes * point.examples))
    generator = seed_generator(config.seed, Purpose.CURVATURE, 1)
    vectors, values = extremes.top.vectors[:KNOWN], extremes.top.values[:KNOWN]
    return Part(TRACE, asdict(estimate_trace(operator, vectors, values, config.trace_probes, generator)))


def read_blocks(point: Point, config: CurvatureConfig, so_far: Mapping[str, Any], tell: Tell) -> Iterator[Part]:
    """The largest and the lowest eigenvalue of each entry's own block of the Hessian, the head's beside them."""
    groups: list[tuple[str, tuple[str, ...]]] = [(key, (key,)) for key in trained_prefixes(point.weights)]
    groups += [(HEAD, head)] if (head := head_keys(point.weights)) else []
    rows = list(so_far.get("rows", ()))
    most = config.most_products * point.examples
    for number, (name, group) in enumerate(groups[len(rows) :], start=len(rows)):
        beat = Meter(tell, BLOCKS, most, (number / len(groups), (number + 1) / len(groups)))
        found = search(point, config, group, 1, beat)
        rows.append({"block": name, "top": show(found.top)[0], "bottom": show(found.bottom)[0]})
        yield Part(BLOCKS, {"rows": list(rows)}, complete=len(rows) == len(groups))


def read_ball(
    point: Point, config: CurvatureConfig, deviation: float, so_far: Mapping[str, Any], tell: Tell
) -> Iterator[Part]:
    """Mean rises under noise of several sizes."""
    pairs: list[Pair] = list(so_far.get("pairs", ()))
    each = 2 * len(SCALES) * point.examples
    beat = Meter(tell, BALL, point.examples + config.draws // 2 * each, done=len(pairs) * each)

    def loss(offset: np.ndarray) -> float:
        direction = unflatten(offset, point.weights, point.keys)
        return score(point, move(point.weights, direction, 1.0), beat)[0]

    def content() -> dict[str, Any]:
        rises = summarise_ball(SCALES, pairs) if len(pairs) > 1 else []
        return {"rows": [asdict(rise) for rise in rises], "draws": 2 * len(pairs)}

    generator = seed_generator(config.seed, Purpose.CURVATURE, 2)
    for pair in measure_ball(loss, point.size, deviation, SCALES, config.draws, generator, len(pairs)):
        pairs.append(pair)
        yield Part(BALL, content() | {"pairs": list(pairs)}, complete=False)
    yield Part(BALL, content())


def read_spectrum(point: Point, config: CurvatureConfig, so_far: Mapping[str, Any], tell: Tell) -> Iterator[Part]:
    """Points of the spectrum with their shares."""
    found = [Spectrum(np.array(row["values"]), np.array(row["shares"])) for row in so_far.get("rows", ())]
    probes, steps = config.spectrum_probes, config.spectrum_steps
    each = steps * point.examples
    beat = Meter(tell, SPECTRUM, probes * each)
    operator = hessian_at(point, point.keys, beat)

    def content() -> dict[str, Any]:
        return _tell_spectrum(average_spectra(found)) | {"probes": len(found), "steps": steps}

    for probe in range(len(found), probes):
        beat.done = probe * each
        generator = seed_generator(config.seed, Purpose.CURVATURE, 3 + probe)
        found.append(probe_spectrum(operator, steps, generator))
        if len(found) < probes:
            yield Part(SPECTRUM, content() | {"rows": [_tell_spectrum(one) for one in found]}, complete=False)
    yield Part(SPECTRUM, content())


def _tell_spectrum(spectrum: Spectrum) -> dict[str, Any]:
    return {"values": spectrum.values.tolist(), "shares": spectrum.shares.tolist()}
