"""What is stored of the landscape and the curvature of one or two runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.settings import LinesConfig, PlaneConfig
from analysis.settings import AnalysisConfig, PointConfig
from app.shown.asked import Asked, ask_runs
from app.shown.curvature import compose_ball, compose_blocks, compose_eigenvalues, compose_spectrum
from app.shown.landscape import compose_lines, compose_plane, compose_trust, compose_way
from app.shown.stored import Runs, Stored, letter_of, list_settings, tell_missing
from dpflat.errors import DPFlatError
from dpflat.runs.store import store_of


def find_point_figures(kind: str, runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """Figures of lines, planes, many planes or curvature.

    Args:
        kind: `lines`, `plane`, `trust` or `curvature`.
        runs: by letter.
        root: one's own store.
        wanted: settings to draw; None for all that are stored.
    """
    stored = Stored()
    for number, config in enumerate(list_settings(runs, kind, root, wanted, stored)):
        assert isinstance(config, PointConfig)
        if isinstance(config, LinesConfig) and config.toward is not None:
            _add_way(runs, config, root, stored, wanted is not None)
            continue
        asked = ask_runs(dict(runs), config, stored.note, root)
        measured = {side.letter for side in asked.sides}
        for letter, run in runs.items():
            if number == 0 and letter not in measured:
                tell_missing(stored, letter_of(runs, letter), run, config)
        stored.note(asked.ruler_note())
        for ruled in asked.on_rulers():
            _add(ruled, config, root, stored)
    return stored


find_lines_figures = partial(find_point_figures, "lines")
find_plane_figures = partial(find_point_figures, "plane")
find_trust_figures = partial(find_point_figures, "trust")
find_curvature_figures = partial(find_point_figures, "curvature")


def _add(asked: Asked, config: PointConfig, root: Path, stored: Stored) -> None:
    if isinstance(config, LinesConfig):
        same = {"data": config.data, "head": config.head, "step": config.step}
        curvature = ask_runs(asked.runs, CurvatureConfig(**same), stored.note, root)
        stored.add(compose_lines(asked, "loss", curvature))
    elif isinstance(config, PlaneConfig):
        stored.add(compose_plane(asked, config.plane, "loss"))
    elif isinstance(config, CurvatureConfig):
        for compose in (compose_eigenvalues, compose_spectrum, compose_blocks, compose_ball):
            stored.add(compose(asked))
    else:
        planes = asked.only(lambda found: bool(found.planes))
        stored.add(compose_trust(planes) if planes.sides else None)


def _add_way(runs: Runs, config: LinesConfig, root: Path, stored: Stored, wanted: bool) -> None:
    """The way to another run; reported where the other is not here any more, or is not although it was wanted."""
    assert config.toward is not None
    for letter, run in runs.items():
        asked = ask_runs({letter: run}, config, stored.note, root)
        if not asked.sides:
            if wanted:
                tell_missing(stored, letter_of(runs, letter), run, config)
            continue
        try:
            other = store_of(run).at(root).load_run(config.toward)
        except DPFlatError:
            stored.note(f"Run '{config.toward}' is not in this store, so the way to it is not drawn.")
            continue
        stored.add(compose_way(asked, run, other, "loss"), letter_of(runs, letter))
