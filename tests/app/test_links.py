import pytest

from analysis.kinds import build_settings
from analysis.store import ANALYSES, find_analysis, folder_of, list_analyses
from app.terminal.pack import list_jobs
from app.ui.study_detail import find_studies
from dpflat.runs import layout
from dpflat.runs.store import Store, create_folder
from tests.conftest import small_config

LINES = build_settings({"kind": "lines"})


@pytest.mark.parametrize("linked", [False, True])
def test_analyses_and_studies_behind_a_link_are_not_found(tmp_path, linked):
    run = Store(tmp_path / "runs").create_run(small_config())
    place = tmp_path / ("elsewhere" if linked else "runs")
    folder = folder_of(place, run, LINES)
    create_folder(folder.parent, folder.name, {layout.CONFIG: LINES.model_dump(mode="json")})
    create_folder(place / layout.STUDIES, "grid", {layout.CONFIG: {"kind": "study"}})
    if linked:
        for name in (ANALYSES, layout.STUDIES):
            (tmp_path / "runs" / name).symlink_to(place / name)
    there = 0 if linked else 1
    root = run.folder.parent
    assert len(list_analyses(run, "lines", root)) == there
    assert (find_analysis(run, LINES, root) is not None) == bool(there)
    assert len(find_studies([root])) == there
    assert len(list_jobs(Store(root))) == 1 + there
