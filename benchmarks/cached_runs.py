"""Make `cached_runs` anew: every study, what was measured of its runs, and their packing. What is there is skipped.

    python benchmarks/cached_runs.py [--runs cached_runs] [--plan]

Ctrl-C stops; the same command goes on. What fails, as a study whose texts are not at hand, is named at the end. Tables
for the lessons come from `remove_one.py`, `refute_epsilon.py`, `levels.py` and `lesson_tables.py`.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from analysis.claims.reading import find_runs
from analysis.claims.rules import Barrier, read_claims
from analysis.landscape.settings import way_to
from analysis.store import ask
from dpflat.runs.store import SHIPPED, Store

STUDIES = (
    "shipped", "levels", "confirmatory", "landscape", "attacks", "attacks_as_published",
    "black_box", "strength", "full", "minilm", "trec", "qnli", "qnli_full",
    "label_text", "label_text_levels", "frontier",
)  # fmt: skip
ASKED = (
    ("shipped", "layers", "--only dp-prefix-eps3"),
    ("levels", "layers", "--only across-layers"),
    ("shipped", "sharpness", "--only non-private-prefix"),
    ("confirmatory", "sharpness", ""),
    ("frontier", "sharpness", ""),
    *(("landscape", kind, "") for kind in ("lines", "curvature", "trust")),
    *(("landscape", "plane", f"--set plane={plane}") for plane in ("filter", "path", "hessian")),
    *((study, "attacks", "") for study in ("attacks", "attacks_as_published")),
    ("shipped", "attacks", "--only dp-prefix-eps3"),
    ("levels", "attacks", "--only dp-flat-eps3"),
)
"""Study, what of its runs is measured, and of which."""


def list_commands(root: Path) -> list[str]:
    """Every command but those for the ways between two runs, which need the runs' names."""
    where = f"--runs {shlex.quote(str(root))}"
    studies = [f"dpflat study run studies/{name}.yaml {where}" for name in STUDIES]
    return studies + [
        " ".join(f"dpflat study analyze studies/{study}.yaml {kind} {more} {where}".split())
        for study, kind, more in ASKED
    ]


def list_ways(root: Path) -> list[str]:
    """The commands that measure the ways between two runs that claims ask for."""
    claims = read_claims()
    found = find_runs(claims, Store(root).list_runs(shipped=False))
    where, commands = f"--runs {shlex.quote(str(root))}", []
    for row in claims.rows():
        if isinstance(row, Barrier):
            first, second = (found[row.cells, method] for method in (row.first, row.second))
            pairs = [(first[seed].id, way_to(second[seed].id)) for seed in sorted(first.keys() & second.keys())]
            commands += [f"dpflat analyze {run} {ask(config)} {where}" for run, config in pairs]
    return commands


def main() -> None:
    """Do it, or say what would be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=SHIPPED)
    parser.add_argument("--plan", action="store_true")
    arguments = parser.parse_args()
    packing = f"dpflat pack {shlex.quote(str(arguments.runs))} --leave-out-weights"
    if arguments.plan:
        print(*list_commands(arguments.runs), *list_ways(arguments.runs), packing, sep="\n")
        return
    failed = []
    for list_them in (list_commands, list_ways, lambda _: [packing]):
        for command in list_them(arguments.runs):
            print(command, flush=True)
            done = subprocess.run([Path(sys.executable).parent / "dpflat", *shlex.split(command)[1:]], check=False)
            failed += [command] * (done.returncode != 0)
    if failed:
        sys.exit("\n".join(["These failed:", *failed]))


if __name__ == "__main__":
    main()
