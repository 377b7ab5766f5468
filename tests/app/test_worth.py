"""What prefixes are worth, by hand from invented rows; on the page, in the forecast and at a run's end."""

from types import SimpleNamespace

import pytest

from app.worth import describe_worth
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.pages import open_page, texts
from tests.conftest import SMALL, small_config

CONFIG, HEAD = small_config(), small_config("adapter.kind=head_only")


def row(config, accuracy, state="finished", seed=0, **more):
    config = config.model_copy(update={"seed": seed})
    own = {
        "fingerprint": config.fingerprint(),
        "method": config.method(),
        "backbone": config.backbone.name,
        "seed": seed,
    }
    return {"state": state, "test_accuracy": accuracy, **own, **more}, SimpleNamespace(config=config)


def test_it_is_the_mean_over_seeds_beside_the_same_runs_without_prefixes():
    rows = [row(CONFIG, 0.70, without=0.60), row(CONFIG, 0.72, without=0.62, seed=1)]
    assert describe_worth(rows, CONFIG) == "Here prefixes bring 10.0 points (61.0 % without them, 2 seeds)."
    assert describe_worth([row(CONFIG, 0.5, without=0.6)], CONFIG).startswith("Here prefixes cost 10.0 points")


def test_a_seed_that_was_run_twice_counts_once():
    rows = [row(CONFIG, 0.70, without=0.60), row(CONFIG, 0.70, without=0.60), row(HEAD, 0.6), row(HEAD, 0.6)]
    assert describe_worth(rows, CONFIG) == (
        "Here prefixes bring 10.0 points (60.0 % without them, 1 seed), and a head alone is 10.0 points worse "
        "(1 seed beside 1)."
    )


def test_a_head_alone_is_compared_where_texts_backbone_and_epsilon_are_the_same():
    rows = [row(CONFIG, 0.70), row(HEAD, 0.731), row(small_config("adapter.kind=head_only", "privacy.epsilon=8"), 0.9)]
    rows += [row(small_config("adapter.kind=head_only", "data.train_subset=150"), 0.1)]
    assert describe_worth(rows, CONFIG) == "Here a head alone is 3.1 points better (1 seed beside 1)."


def test_of_heads_alone_those_at_the_same_price_with_most_seeds_count():
    old = small_config("adapter.kind=head_only", "privacy.accountant=rdp")
    slow = small_config("adapter.kind=head_only", "optimiser.head_learning_rate=0.001")
    rows = [row(CONFIG, 0.70), row(old, 0.99), row(slow, 0.5), row(HEAD, 0.8), row(HEAD, 0.8, seed=1)]
    assert describe_worth(rows, CONFIG) == "Here a head alone is 10.0 points better (2 seeds beside 1)."


def test_label_texts_do_not_keep_a_head_alone_from_being_compared():
    texts = small_config("readout.kind=label_text")
    assert "a head alone is 10.0 points worse" in describe_worth([row(texts, 0.8, without=0.5), row(HEAD, 0.7)], texts)


@pytest.mark.parametrize(
    ("rows", "config"),
    [
        ([], CONFIG),
        ([row(CONFIG, 0.7, state="stopped", without=0.6)], CONFIG),
        ([row(CONFIG, 0.7)], CONFIG),
        ([row(HEAD, 0.7)], CONFIG),
        ([row(HEAD, 0.7)], HEAD),
    ],
    ids=["no runs", "not finished", "from before it was measured", "a head alone", "asked of a head alone"],
)
def test_where_nothing_is_known_nothing_is_said(rows, config):
    assert describe_worth(rows, config) is None


@pytest.mark.integration
def test_the_page_and_the_command_line_say_it(stores, dpflat):
    own, _ = stores
    run = Store(own).create_run(CONFIG)
    assert do_run(run, Stopping()) == FINISHED
    results = Run(run.folder).results
    gain = 100 * (results["accuracy"] - results["without"]["accuracy"])
    words = f"prefixes {'bring' if gain >= 0 else 'cost'} {abs(gain):.1f} points"
    assert words in texts(open_page("runs", a=run.id))
    _, out, _ = dpflat("train", *(word for setting in SMALL for word in ("--set", setting)), "--dry-run")
    assert words in " ".join(out.split())
