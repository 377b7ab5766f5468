"""Execute notebooks and write their outputs: `make notebooks`, for one of them `NOTEBOOK=notebooks/01_first_run.ipynb`.

Figures become PNG, which every viewer shows; for that kaleido asks the Chromium that is installed. Who opens a notebook
and runs it gets interactive figures. What is trained or measured lies in a temporary folder that is deleted at the end.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
LONGEST_START_SECONDS, LONGEST_CELL_SECONDS, MOST_BYTES = 300, 3600, 400_000
BEFORE = (
    "import plotly.io, warnings; plotly.io.renderers.default = 'png'; plotly.io.renderers['png'].scale = 1.5; "
    "warnings.filterwarnings('ignore', 'IProgress not found')"
)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run every cell in order in a new kernel, and write the notebook with its outputs.

    Args:
        path: of the notebook.

    Raises:
        CellExecutionError: when a cell fails; the file stays as it was.
        ValueError: when an output names a folder of this machine, or the notebook is too large.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TMPDIR": folder, "DPFLAT_RUNS": f"{folder}/runs"}
        client = NotebookClient(
            notebook,
            timeout=LONGEST_CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            startup_timeout=LONGEST_START_SECONDS,
            resources={"metadata": {"path": folder}},
            extra_arguments=[f"--IPKernelApp.exec_lines={BEFORE}"],
        )
        client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    text = nbformat.writes(notebook) + "\n"
    for number, cell in enumerate(notebook.cells, start=1):
        told = json.dumps(cell.get("outputs", []))
        named = [place for place in (str(ROOT), str(Path.home()), folder) if len(place) > 1 and place in told]
        if named:
            raise ValueError(f"{path.name}, cell {number}: its output names {', '.join(named)}")
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"{path.name} would have {len(text.encode()):,} bytes, more than {MOST_BYTES:,}")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, flush=True)
        execute(Path(name))
