"""What is asked of the curvature at the weights of a run, part by part."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from analysis.begun import Begun
from analysis.curvature.ball import Pair, measure_ball, summarise_ball
from analysis.curvature.estimates import Spectrum, average_spectra, estimate_trace, probe_spectrum
from analysis.curvature.lanczos import Eigenpairs, Extremes, find_extremes, have_converged
from analysis.curvature.product import Product, product_at
from analysis.curvature.second_engine import LossSurface, find_by_pyhessian
from analysis.curvature.settings import KNOWN, SCALES, CurvatureConfig
from analysis.landscape.scoring import score
from analysis.landscape.settings import noise_deviation
from analysis.opening import Point, open_point
from analysis.parts import Part, Step, Unfinished, Work, follow, follow_as, list_complete
from analysis.vectors import move, unflatten
from dpflat.keys import Purpose, seed_generator
from dpflat.prefix import head_keys, trained_prefixes
from dpflat.runs.record import Run

EIGENVALUES, TRACE, BLOCKS, BALL, SPECTRUM, HEAD = "eigenvalues", "trace", "blocks", "ball", "spectrum", "head"
R = TypeVar("R")


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
        lambda parts: measure_curvature(point, config, deviation, parts),
    )


def measure_curvature(
    point: Point, config: CurvatureConfig, deviation: float, parts: Mapping[str, Any]
) -> Iterator[Step | Part]:
    """All parts that are not there yet.

    Privacy: reads the rows of the point without noise; nothing shapes any weights.
    """
    done = set(list_complete(parts))
    if not {EIGENVALUES, TRACE} <= done:
        extremes = yield from _steps(EIGENVALUES, search(point, config, point.keys, config.count))
        if EIGENVALUES not in done:
            yield (yield from read_eigenvalues(point, config, extremes))
        if TRACE not in done:
            yield (yield from read_trace(point, config, extremes))
    work: dict[str, Callable[[Mapping[str, Any]], Unfinished]] = {
        BLOCKS: lambda so_far: read_blocks(point, config, so_far),
        BALL: lambda so_far: read_ball(point, config, deviation, so_far),
        SPECTRUM: lambda so_far: read_spectrum(point, config, so_far),
    }
    for name, read in work.items():
        if name not in done:
            yield (yield from read(parts.get(name, {})))


def _steps(part: str, work: Generator[float, None, R], base: float = 0.0, of: float = 1.0) -> Generator[Step, None, R]:
    return (yield from follow(work, lambda share: Step(part, base + share * of)))


def search(
    point: Point, config: CurvatureConfig, keys: tuple[str, ...], count: int
) -> Generator[float, None, Extremes]:
    """Both ends of the spectrum of the Hessian as to some entries."""
    product = product_at(point, keys)
    size = sum(point.weights[key].numel() for key in keys)
    generator = seed_generator(config.seed, Purpose.CURVATURE)
    return find_extremes(product, size, count, config.tolerance, config.most_products, generator)


def read_eigenvalues(point: Point, config: CurvatureConfig, extremes: Extremes) -> Work:
    """Values with residuals, of the engine that the settings name; ours beside PyHessian's."""
    top = extremes.top
    told: dict[str, Any] = {"engine": config.engine, "products": extremes.products, "bottom": tell(extremes.bottom)}
    if config.engine == "own":
        return Part(EIGENVALUES, told | {"top": tell(top)})
    theirs = yield from follow_as(find_theirs(point, config), Step(EIGENVALUES, 1.0))
    return Part(EIGENVALUES, told | {"top": tell(theirs), "own_top": tell(top)})


def find_theirs(point: Point, config: CurvatureConfig) -> Generator[None, None, Eigenpairs]:
    """PyHessian's eigenvalues, falling, with their residuals."""
    surface = LossSurface(point.objective, point.weights, point.keys, point.pieces)
    product = product_at(point, point.keys)
    values, vectors = yield from find_by_pyhessian(surface, config.count, config.tolerance, config.most_products)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[order]
    residuals = np.zeros(len(values))
    for place, (value, vector) in enumerate(zip(values, vectors, strict=True)):
        residuals[place] = yield from residual_of(product, value, vector)
    return Eigenpairs(values, residuals, have_converged(values, residuals, config.tolerance), vectors)


def residual_of(product: Product, value: float, vector: np.ndarray) -> Generator[None, None, float]:
    """The norm of H v - value v. Privacy: reads what `product` reads."""
    image = yield from product(vector)
    return float(np.linalg.norm(image - value * vector))


def tell(pairs: Eigenpairs) -> list[dict[str, Any]]:
    """Eigenvalues as JSON values; one that has not converged has no value."""
    rows = zip(pairs.values, pairs.residuals, pairs.converged, strict=True)
    return [
        {"value": float(value) if converged else None, "residual": float(residual), "converged": bool(converged)}
        for value, residual, converged in rows
    ]


def read_trace(point: Point, config: CurvatureConfig, extremes: Extremes) -> Work:
    """The trace, exactly in the space of the top few eigenvectors and by random signs outside."""
    product = product_at(point, point.keys)
    generator = seed_generator(config.seed, Purpose.CURVATURE, 1)
    vectors, values = extremes.top.vectors[:KNOWN], extremes.top.values[:KNOWN]
    trace = yield from _steps(TRACE, estimate_trace(product, vectors, values, config.trace_probes, generator))
    return Part(TRACE, asdict(trace))


def read_blocks(point: Point, config: CurvatureConfig, so_far: Mapping[str, Any]) -> Unfinished:
    """The largest and the lowest eigenvalue of each entry's own block of the Hessian, the head's beside them."""
    groups: list[tuple[str, tuple[str, ...]]] = [(key, (key,)) for key in trained_prefixes(point.weights)]
    groups += [("head", head)] if (head := head_keys(point.weights)) else []
    rows = list(so_far.get("rows", ()))
    for number, (name, group) in enumerate(groups):
        if number < len(rows):
            continue
        work = search(point, config, group, 1)
        found = yield from _steps(BLOCKS, work, number / len(groups), 1 / len(groups))
        rows.append({"block": name, "top": tell(found.top)[0], "bottom": tell(found.bottom)[0]})
        if len(rows) < len(groups):
            yield Part(BLOCKS, {"rows": list(rows)}, complete=False)
    return Part(BLOCKS, {"rows": rows})


def read_ball(point: Point, config: CurvatureConfig, deviation: float, so_far: Mapping[str, Any]) -> Unfinished:
    """Mean rises under noise of several sizes."""

    def loss(offset: np.ndarray) -> Generator[None, None, float]:
        direction = unflatten(offset, point.weights, point.keys)
        found, _ = yield from score(point, move(point.weights, direction, 1.0))
        return found

    def content(pairs: list[Pair]) -> dict[str, Any]:
        rises = summarise_ball(SCALES, pairs) if len(pairs) > 1 else []
        return {"rows": [asdict(rise) for rise in rises], "draws": 2 * len(pairs)}

    def hand_out(sign: float | list[Pair]) -> Step | Part:
        if isinstance(sign, float):
            return Step(BALL, sign)
        return Part(BALL, content(sign) | {"pairs": sign}, complete=False)

    generator = seed_generator(config.seed, Purpose.CURVATURE, 2)
    known = so_far.get("pairs", ())
    work = measure_ball(loss, point.size, deviation, SCALES, config.draws, generator, known)
    return Part(BALL, content((yield from follow(work, hand_out))))


def read_spectrum(point: Point, config: CurvatureConfig, so_far: Mapping[str, Any]) -> Unfinished:
    """Points of the spectrum with their shares."""
    product = product_at(point, point.keys)
    found = [Spectrum(np.array(row["values"]), np.array(row["shares"])) for row in so_far.get("rows", ())]

    def content() -> dict[str, Any]:
        return _tell_spectrum(average_spectra(found)) | {"probes": len(found), "steps": config.spectrum_steps}

    for probe in range(len(found), config.spectrum_probes):
        generator = seed_generator(config.seed, Purpose.CURVATURE, 3 + probe)
        work = probe_spectrum(product, point.size, config.spectrum_steps, generator)
        share = 1 / config.spectrum_probes
        found.append((yield from _steps(SPECTRUM, work, probe * share, share)))
        if len(found) < config.spectrum_probes:
            yield Part(SPECTRUM, content() | {"rows": [_tell_spectrum(one) for one in found]}, complete=False)
    return Part(SPECTRUM, content())


def _tell_spectrum(spectrum: Spectrum) -> dict[str, Any]:
    return {"values": spectrum.values.tolist(), "shares": spectrum.shares.tolist()}
