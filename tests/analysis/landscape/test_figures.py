import pytest

from analysis.figures.landscape import draw_way
from analysis.figures.planes import draw_planes, draw_surface
from analysis.figures.point_side import PointSide
from analysis.landscape.results import read_lines, read_plane
from tests.app.landscape import made_up_plane, made_up_way


def sides_of(*contents):
    return [
        PointSide(letter, "DP prefix", read_plane(content, {})) for letter, content in zip("AB", contents, strict=False)
    ]


def titles_of(figure):
    layout = figure.layout
    names = [name for name in layout if name.startswith(("xaxis", "yaxis"))]
    return {layout[name].title.text for name in names}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("filter", "random direction {}, row lengths"),
        ("isotropic", "random direction {}, noise lengths"),
        ("hessian", "top eigenvector {}, noise lengths"),
    ],
)
def test_the_axes_of_a_plane_say_which_way_they_go(kind, words):
    figure = draw_planes(sides_of(made_up_plane(), made_up_plane(2.0)), "light", kind=kind)
    assert titles_of(figure) == {words.format(1), words.format(2)}
    assert len(figure.data) == (4 if kind == "hessian" else 5)


def test_the_axes_of_a_path_say_which_component_and_its_share_where_it_is_known():
    path = {"path": [[1.0, 0.0], [0.5, 0.2]], "share": 0.61}
    known = sides_of(made_up_plane(**path, shares=[0.5, 0.11]))
    told = {"first principal component (50 % of the path)", "second principal component (11 % of the path)"}
    assert titles_of(draw_planes(known, "light", kind="path")) == told
    scene = draw_surface(known[0], "light", "path").layout.scene
    assert {scene.xaxis.title.text, scene.yaxis.title.text} == told
    earlier = sides_of(made_up_plane(**path))
    assert titles_of(draw_planes(earlier, "light", kind="path")) == {
        "first principal component",
        "second principal component",
    }


def test_the_axis_of_the_way_says_that_it_leads_to_the_other_run():
    side = PointSide("A", "DP prefix", read_lines(made_up_way(), {}))
    assert draw_way([side], "light").layout.xaxis.title.text == "share of the way to the other run"
