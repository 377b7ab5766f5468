import pytest

from app.ui import page_new
from dpflat.config import build_config
from dpflat.errors import DPFlatError, SettingsError
from dpflat.execution.studies import is_study, read_study, study_folder
from dpflat.execution.study_job import describe_row
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store
from tests.app.pages import as_read, make_run, open_page, press, texts
from tests.conftest import small_config


@pytest.fixture
def page(stores):
    return open_page("new")


def test_the_forecast_stands_before_the_button(page):
    shown = texts(page)
    assert "epsilon = 3.00 at delta = 6.1e-5, as if the noise seed were secret." in shown
    assert "27 steps of about 256 examples" in shown
    assert "About 28 s, 0.9 GB" in shown
    assert "Public data playing the private part." in shown


def test_a_number_says_what_it_is(page):
    page.selectbox(key="new_readout").set_value("linear").run()
    helps = {field.key: as_read(field.help) for field in page.number_input if field.key.startswith("new_setting_")}
    assert len(helps) == len(page_new.NUMBERS)
    assert helps["new_setting_batch_size"].startswith("Expected units in a batch; sample_rate = batch_size / N.")
    assert all(len(text) > 20 for text in helps.values())


def test_answers_may_be_read_off_a_head_with_its_own_step_size(page):
    chosen = page.selectbox(key="new_readout")
    assert chosen.options[0] == "the nearest of the classes' own texts, no head"
    assert page.number_input(key="new_setting_prefix_learning_rate").value == 0.03
    chosen.set_value("linear").run()
    assert page.number_input(key="new_setting_prefix_learning_rate_linear").value == 0.01
    command = next(filter(lambda code: "readout.kind" in code, map(as_read, (code.value for code in page.code))))
    assert "readout.kind=linear" in command
    assert "prefix_learning_rate" not in command


def test_a_head_alone_has_its_step_size_whatever_the_readout(page):
    keys = [field.key for field in page.number_input]
    assert "new_setting_head_learning_rate" not in keys
    page.radio(key="new_method").set_value("Head only").run()
    assert page.number_input(key="new_setting_head_learning_rate").value == 0.03


def test_without_privacy_no_epsilon_is_asked_for_and_none_is_promised(page):
    page.radio(key="new_method").set_value("Non-private").run()
    assert "No guarantee: trained without noise." in texts(page)
    assert not any("3 Privacy" in s.value for s in page.subheader)


def test_a_large_epsilon_is_called_a_weak_promise(page):
    page.select_slider(key="new_epsilon").set_value(20.0).run()
    assert "A weak promise." in texts(page)


def test_a_large_delta_is_called_a_weak_promise_with_its_reason(stores, monkeypatch):
    monkeypatch.setattr("dpflat.privacy.wording.LARGE_DELTA", 1e-5)
    assert "A weak promise. delta = 6.1e-5 is more than 1 in 100,000." in texts(open_page("new"))


def test_what_does_not_fit_together_is_one_sentence_and_nothing_typed_is_lost(page):
    page.number_input(key="new_setting_batch_size").set_value(9000).run()
    assert [e.value for e in page.error] == [
        "the settings: optimiser.batch_size is 9000, but there are 6824 training units; choose at most 6824."
    ]
    assert page.number_input(key="new_setting_batch_size").value == 9000
    assert not any(b.label == "Train" for b in page.button)


def test_the_button_starts_the_run_that_was_forecast(page, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("dpflat.execution.jobs.start", lambda folder, store: started.append(folder))
    page.selectbox(key="new_backbone").set_value("random_tiny").run()
    page.text_input(key="new_name").set_value("my run").run()
    page.button(key="new_train").click().run()
    runs = Store(tmp_path / "runs").list_runs(shipped=False)
    assert started == [runs[0].folder]
    assert runs[0].label == {"name": "my run"}
    assert runs[0].config.backbone.name == "random_tiny"


def test_several_epsilons_and_seeds_are_told_one_by_one_and_together(page, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("dpflat.execution.jobs.start", lambda folder, store: started.append(folder))
    page.selectbox(key="new_backbone").set_value("random_tiny").run()
    page.toggle(key="new_several").set_value(True).run()
    page.pills(key="new_epsilons").set_value([3.0, 20.0]).run()
    page.number_input(key="new_seeds").set_value(2).run()
    shown = texts(page)
    assert "epsilon = 3.00 at delta" in shown
    assert "epsilon = 20.00 at delta" in shown
    assert "A weak promise." in shown
    assert "Released together, these 4 runs on the same data give epsilon = " in shown
    assert "4 runs, one after the other, about" in shown
    assert "dpflat study run study.yaml" in shown
    written = next(code.value for code in page.code if code.value.startswith("name: from-page"))
    press(page, "Train")
    assert is_study(started[0])
    (tmp_path / "study.yaml").write_text(written)
    assert study_folder(tmp_path / "runs", read_study(tmp_path / "study.yaml")) == started[0]


def test_runs_that_come_first_are_told(page, stores):
    make_run(stores[0], "running")
    assert "1 run ahead of yours" in texts(page.run())


def test_the_runs_that_a_living_study_has_still_to_begin_come_first_too(page, stores):
    folder = stores[0] / "studies" / "mine-1"
    folder.mkdir(parents=True)
    replace_json(folder / layout.CONFIG, {"kind": "study"})
    replace_json(
        folder / layout.STUDY,
        {
            "rows": [
                describe_row(small_config(), None) | {"state": s} for s in ("finished", "running", "absent", "absent")
            ]
        },
    )
    write_status(folder, own_status("running", step=1, steps=4))
    assert "2 runs ahead of yours" in texts(page.run())
    (folder / layout.STUDY).write_text("{")
    assert "ahead of yours" not in texts(page.run())


def test_it_says_how_long_each_length_takes_and_the_buttons_keep_their_names_whatever_is_chosen(page):
    def names():
        return [option.content for option in page.get("button_group")[0].proto.options]

    assert names() == ["quick", "standard", "own"]
    with_tiny = next(c.value for c in page.caption if c.value.startswith("quick takes"))
    assert "standard takes" in with_tiny
    page.selectbox(key="new_backbone").set_value("minilm").run()
    assert next(c.value for c in page.caption if c.value.startswith("quick takes")) != with_tiny
    assert names() == ["quick", "standard", "own"]


def test_a_read_only_lab_shows_the_command_instead_of_the_button(stores, monkeypatch):
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    page = open_page("new")
    assert not any(b.label == "Train" for b in page.button)
    assert "Run this on your own machine" in texts(page)
    assert any("dpflat train" in c.value for c in page.code)


def test_an_own_mix_asks_for_each_level_and_says_what_it_costs(page):
    page.radio(key="new_method").set_value("Own mix").run()
    levels = [page.selectbox(key=f"new_{name}") for name in ("within_layer", "cross_layer", "cross_model")]
    assert [level.value for level in levels] == ["off"] * 3
    levels[0].set_value("as_published").run()
    assert "No guarantee. The noise alone would give" in texts(page)
    assert "ascent along an un-noised gradient." in texts(page)
    assert any("flatness.within_layer.mode=as_published" in code.value for code in page.code)


def test_a_private_choice_of_layers_says_its_price_before_the_button(page):
    page.radio(key="new_method").set_value("DP-Flat repaired").run()
    page.selectbox(key="new_backbone").set_value("dpflat-tiny").run()
    assert "Choosing layers takes 2 rounds, about 1 min 8 s: alone epsilon = " in texts(page)


def test_dp_flat_as_published_is_announced_without_a_guarantee(page):
    page.radio(key="new_method").set_value("DP-Flat as published").run()
    assert "No guarantee. The noise alone would give epsilon = 3.00" in texts(page)
    assert "pull toward a twin trained without noise on the same data" in texts(page)


def test_an_error_stands_beside_the_field_it_is_about_and_not_beside_one_it_only_mentions(monkeypatch):
    said = []
    monkeypatch.setattr(page_new.st, "error", lambda text: said.append(("page", text)))
    monkeypatch.setattr(page_new.st, "write", lambda text: None)

    class Place:
        def __init__(self, name):
            self.error = lambda text: said.append((name, text))

    places = {name: Place(name) for name in ("adapter.length", "optimiser.batch_size")}
    page_new.show_error(SettingsError("batch: as long as adapter.length", ("optimiser.batch_size",)), places)
    page_new.show_error(SettingsError("adapter.length_unit is unknown", ("adapter.length_unit",)), places)
    page_new.show_error(DPFlatError("a study of the name adapter.length"), places)
    assert [place for place, _ in said] == ["optimiser.batch_size", "page", "page"]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"optimiser": {"batch_size": 9000}}, ("optimiser.batch_size",)),
        (
            {"data": {"max_tokens": -1}, "adapter": {"kind": "prefix", "length": 0}},
            ("data.max_tokens", "adapter.length"),
        ),
        ({"privacy": {"kind": "dp", "max_grad_norm": -1}}, ("privacy.max_grad_norm",)),
        ({"adapter": {"kind": "full"}}, ()),
    ],
)
def test_settings_that_cannot_be_say_which_of_them_are_wrong(settings, wrong):
    with pytest.raises(SettingsError) as error:
        build_config(settings)
    assert set(error.value.settings) == set(wrong)
