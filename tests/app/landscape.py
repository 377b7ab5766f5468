"""Made-up analyses around the weights of a run, as their workers would have left them."""

import numpy as np

from analysis.kinds import build_settings
from analysis.store import RESULT, folder_of
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status

CONDITIONS = {"run": "r", "data": "test", "rows": "abc123", "examples": 256, "entries": 100, "noise_deviation": 0.01}


def made_up_lines(bend=1.0):
    positions = np.linspace(-48, 48, 21)
    rows = [
        {"loss": (0.5 + bend * (1 + 0.1 * n) * 1e-5 * positions**2).tolist(), "accuracy": [0.7] * 21} for n in range(10)
    ]
    return CONDITIONS | {
        "positions": positions.tolist(),
        "norms": [0.1] * 10,
        "zero_rows": 0,
        "parts": {"lines": {"rows": rows}},
    }


def made_up_way(barrier=0.02):
    positions = np.linspace(-0.25, 1.25, 25)
    loss = (0.5 + barrier * np.maximum(0, 1 - np.abs(2 * positions - 1))).tolist()
    rows = [{"loss": loss, "accuracy": [0.7] * 25}]
    return made_up_lines() | {"positions": positions.tolist(), "norms": [3.0], "parts": {"lines": {"rows": rows}}}


def made_up_plane(bend=1.0, done=True, **axes):
    positions = np.linspace(-2, 2, 21)
    loss = 0.5 + bend * (positions[:, None] ** 2 + positions[None, :] ** 2)
    grid = loss.tolist()
    if not done:
        grid = [[v if r % 2 == 0 and c % 2 == 0 else None for c, v in enumerate(row)] for r, row in enumerate(grid)]
    accuracy = [[None if value is None else 0.7 for value in row] for row in grid]
    return CONDITIONS | {
        "parts": {
            "axes": axes,
            "grid": {"positions": positions.tolist(), "loss": grid, "accuracy": accuracy, "complete": done},
        }
    }


def made_up_trust(shift=0.0, top=0.03):
    return CONDITIONS | {
        "radius": 48.0,
        "parts": {
            "planes": {"rows": [0.01 + 0.001 * n + shift for n in range(20)]},
            "top": {"reading": top},
            "path": {"reading": None, "why": "'r' kept 0 earlier weights, and a plane needs 2."},
            "finer": {"reading": 0.011 + shift, "points": 13},
            "rescaling": {"shift": 1.0, "loss": 0.5, "shifted_loss": 0.5, "box": 1.1, "shifted_box": 2.0},
        },
    }


def pair(value):
    return {"value": value, "residual": 1e-4, "converged": value is not None}


def made_up_curvature(top=1.5, layers=6):
    return CONDITIONS | {
        "layers": layers,
        "parts": {
            "eigenvalues": {
                "engine": "own",
                "products": 17,
                "top": [pair(top), pair(0.2), pair(0.1), pair(0.05), pair(None)],
                "bottom": [pair(-0.08)],
            },
            "trace": {"value": 2.2, "standard_error": 0.1, "reach": 0.23, "probes": 10},
            "blocks": {
                "rows": [
                    {"block": f"prefix.{n}", "top": pair(0.1 * (n + 1)), "bottom": pair(-0.01)} for n in range(layers)
                ]
                + [{"block": "head", "top": pair(24.8), "bottom": pair(0.0)}]
            },
            "ball": {
                "draws": 200,
                "rows": [
                    {
                        "scale": s,
                        "mean": 1e-4 * s**2,
                        "low": 8e-5 * s**2,
                        "high": 1.2e-4 * s**2,
                        "tenth": -1e-3,
                        "ninetieth": 1e-3,
                    }
                    for s in (0.5, 1.0, 2.0, 4.0, 8.0)
                ],
            },
            "spectrum": {"values": [-0.1, 0.0, 1.5], "shares": [0.25, 0.7, 0.05], "probes": 3, "steps": 20},
        },
    }


def keep_analysis(run, root, settings, content, state="finished"):
    """Write a made-up analysis where that of a run with these settings lies."""
    config = build_settings(settings)
    folder = folder_of(root, run, config)
    folder.mkdir(parents=True)
    replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
    replace_json(folder / RESULT, content)
    for part, found in content["parts"].items():
        if found.get("complete", True):
            append_line(folder / layout.EVENTS, {"event": "part_finished", "time": 0.0, "part": part, "seconds": 1.0})
    write_status(folder, own_status(state, phase="grid", step=30, steps=100))
    if state == "finished":
        write_manifest(folder)
    return folder


def keep_all(run, root, bend=1.0):
    """All that the page shows first in its three tabs."""
    keep_analysis(run, root, {"kind": "lines"}, made_up_lines(bend))
    keep_analysis(run, root, {"kind": "plane"}, made_up_plane(bend))
    keep_analysis(run, root, {"kind": "trust"}, made_up_trust(0.001 * bend))
    keep_analysis(run, root, {"kind": "curvature"}, made_up_curvature(1.5 * bend))
