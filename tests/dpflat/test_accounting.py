import dataclasses
import itertools
import math

import pytest
from opacus.accountants import PRVAccountant
from opacus.accountants.utils import get_noise_multiplier

from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.privacy.accounting import rdp_epsilon, spent_epsilon
from dpflat.privacy.calibration import LOWEST_NOISE, calibrate_noise
from dpflat.privacy.losses import pld_epsilon
from dpflat.privacy.plan import ExponentialSelection, PrivacyPlan, SubsampledGaussian, default_delta
from dpflat.privacy.together import Together
from dpflat.privacy.wording_together import describe_budget, describe_together
from dpflat.training.forecast import compose_runs, plan_privacy
from tests.conftest import small_config

# sigma, q, T, delta -> RDP and PLD of dp-accounting 0.6.0, RDP of Opacus 1.6.0
VECTORS = [
    (1.5, 0.04, 2250, 1e-5, 7.32933, 6.76879, 7.32911),
    (1.0, 0.01, 1000, 1e-5, 2.10137, 1.82824, 2.10137),
    (1.1, 256 / 60000, 14100, 1e-5, 2.60034, 2.38521, 2.60034),
    (0.8, 0.005, 1000, 1e-6, 2.62654, 2.00411, 2.62654),
    (4.0, 0.01, 10000, 1e-5, 1.03549, 0.94700, 1.03549),
    (0.7, 0.01, 1000, 1e-5, 5.42326, 4.61829, 5.42140),
    (1.0, 0.1, 100, 1e-5, 7.90385, 7.04660, 7.89926),
    (2.0, 0.1, 500, 1e-5, 6.03456, 5.55547, 6.03432),
    (1.0, 1, 1, 1e-5, 4.72851, 4.37718, 4.72851),
    (5.0, 1, 100, 1e-5, 10.72551, 9.99726, 10.72551),
]


@pytest.mark.parametrize(("sigma", "q", "steps", "delta", "rdp", "pld", "opacus"), VECTORS)
def test_epsilon_equals_the_published_vectors(sigma, q, steps, delta, rdp, pld, opacus):
    mechanisms = (SubsampledGaussian(sigma, q, steps, 1.0),)
    found = rdp_epsilon(mechanisms, delta)
    assert found == pytest.approx(rdp, abs=2e-4)
    assert found == pytest.approx(opacus, abs=5e-3)
    assert pld_epsilon(mechanisms, delta, 1e-4) == pytest.approx(pld, abs=1e-4)


@pytest.mark.parametrize(("sigma", "q", "steps", "delta"), [(1.5, 0.04, 500, 1e-5), (1.0, 0.02, 300, 1e-5)])
def test_pld_and_prv_lie_close_together_and_under_rdp(sigma, q, steps, delta):
    mechanisms = (SubsampledGaussian(sigma, q, steps, 1.0),)
    prv = PRVAccountant()
    prv.history = [(sigma, q, steps)]
    pld = pld_epsilon(mechanisms, delta, 1e-4)
    assert 0 <= prv.get_epsilon(delta) - pld < 0.02
    assert pld < rdp_epsilon(mechanisms, delta)


# Exponential rounds beside SST-2 at sigma 1.218, q = 1020 / 67349, 30 epochs
@pytest.mark.parametrize(("epsilon", "total"), [(0.05, 3.264), (0.1, 3.284), (0.2, 3.362), (0.5, 3.881)])
def test_private_selection_composes_with_the_steps(epsilon, total):
    steps = SubsampledGaussian(1.218, 1020 / 67349, 30 * 66, 0.1)
    selection = ExponentialSelection(epsilon, rounds=3, loss_bound=4.0, divisor=2000.0)
    assert rdp_epsilon((steps, selection), 4.88e-6) == pytest.approx(total, abs=1e-3)


def test_an_exponential_round_alone_costs_no_more_than_its_zcdp_bound():
    """rho-zCDP gives epsilon <= rho + 2 sqrt(rho ln(1/delta))."""
    rho, delta = 3 * 0.2**2 / 8, 1e-5
    alone = rdp_epsilon((ExponentialSelection(0.2, 3, 4.0, 1.0),), delta)
    assert 0 < alone <= rho + 2 * math.sqrt(rho * math.log(1 / delta))


@pytest.mark.parametrize(("epsilon", "rounds"), [(0.2, 2), (5.0, 2), (10.0, 3)])
def test_rounds_alone_never_cost_more_than_their_pure_epsilons_together(epsilon, rounds):
    """Up to what turning the highest order's divergence into epsilon adds."""
    found = rdp_epsilon((ExponentialSelection(epsilon, rounds, 4.0, 1.0),), 1e-5)
    assert found <= rounds * epsilon + 0.005


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 3.0, 8.0, 20.0])
def test_calibrated_noise_meets_epsilon_and_barely_less_noise_does_not(epsilon):
    q, steps, delta = 256 / 6824, 107, default_delta(6824)
    sigma = calibrate_noise(epsilon, delta, q, steps, accountant="rdp")
    assert rdp_epsilon((SubsampledGaussian(sigma, q, steps, 1.0),), delta) <= epsilon
    assert rdp_epsilon((SubsampledGaussian(sigma * 0.999, q, steps, 1.0),), delta) > epsilon


@pytest.mark.parametrize(
    ("epsilon", "delta", "q", "steps", "rounds"),
    [(3.0, 6e-5, 0.04, 107, 2), (2.0, 0.1, 0.5, 10, 0), (30.0, 1e-5, 0.1, 10, 0)],
)
def test_a_search_over_few_orders_ends_where_one_over_all_of_them_does(epsilon, delta, q, steps, rounds):
    """Also where the best order is low, high or at an end."""
    selection = (ExponentialSelection(0.5, rounds, 4.0, 100.0),) if rounds else ()
    low, high = 0.2, 10_000.0
    while high / low > 1.00005:
        middle = math.sqrt(low * high)
        found = rdp_epsilon((SubsampledGaussian(middle, q, steps, 1.0), *selection), delta)
        low, high = (middle, high) if found > epsilon else (low, middle)
    assert calibrate_noise(epsilon, delta, q, steps, selection, "rdp") == math.ceil(high * 10_000) / 10_000


def test_calibrated_noise_agrees_with_opacus():
    """Opacus' published 1.3562 for epsilon 8, q 0.04, 2000 steps, delta 1e-5."""
    ours = calibrate_noise(8.0, 1e-5, 0.04, 2000, accountant="rdp")
    theirs = get_noise_multiplier(target_epsilon=8.0, target_delta=1e-5, sample_rate=0.04, steps=2000, accountant="rdp")
    assert ours == pytest.approx(theirs, rel=2e-3)
    assert ours == pytest.approx(1.3562, rel=2e-3)


@pytest.mark.parametrize(
    ("n", "batch", "expected"),
    [
        (2000, 128, {1: 3.906, 3: 1.660, 8: 0.940}),
        (5000, 256, {1: 3.750, 3: 1.594, 8: 0.913}),
    ],
)
def test_noise_of_demo_sizes_lies_within_opacus_tolerance_under_its_answer(n, batch, expected):
    for epsilon, sigma in expected.items():
        steps = round(20 * n / batch)
        found = calibrate_noise(epsilon, default_delta(n), batch / n, steps, accountant="rdp")
        assert 0.985 * sigma < found <= sigma * 1.001


@pytest.mark.parametrize("accountant", ["rdp", "rdp_or_pld"])
def test_an_epsilon_that_no_noise_meets_is_refused_with_the_fix(accountant):
    with pytest.raises(DPFlatError, match=r"epsilon = 0.0001 cannot be met.*Choose a larger epsilon"):
        calibrate_noise(0.0001, 1e-5, 0.5, 1000, accountant=accountant)
    with pytest.raises(DPFlatError, match=r"needs a noise multiplier under 0.2"):
        calibrate_noise(1000, 1e-5, 0.01, 10, accountant=accountant)


def test_a_delta_that_promises_nothing_takes_the_least_noise_there_is():
    assert calibrate_noise(3.0, 1.0, 1.0, 4) == LOWEST_NOISE


def test_an_epsilon_that_only_pld_meets_has_a_noise():
    """Ten draws and the orders that RDP is taken at leave it 0.005 short."""
    with pytest.raises(DPFlatError, match="cannot be met"):
        calibrate_noise(0.003, 1e-5, 0.5, 100, accountant="rdp")
    assert 0.2 < calibrate_noise(0.003, 1e-5, 0.5, 100) < 10_000


def test_epsilon_spent_rises_from_nothing_to_the_planned_one():
    steps = SubsampledGaussian(1.1, 0.05, 40, 0.1)
    plan = PrivacyPlan("example", 1000, 1e-5, (steps,), "rdp")
    spent = [spent_epsilon(plan, t) for t in range(41)]
    assert spent[0] == 0
    assert all(a < b for a, b in itertools.pairwise(spent))
    assert spent[-1] == pytest.approx(rdp_epsilon((steps,), 1e-5))


def test_without_noise_epsilon_is_infinite():
    assert rdp_epsilon((), 1e-5) == math.inf


def test_delta_defaults_to_n_to_the_minus_1_1():
    assert default_delta(67349) == pytest.approx(4.88e-6, rel=1e-3)
    assert default_delta(6824) == pytest.approx(6.06e-5, rel=1e-3)


def test_several_runs_together_are_one_run_of_as_many_steps():
    one = small_config("privacy.epsilon=2", "privacy.accountant=rdp")
    plan = plan_privacy(one)[0]
    steps = plan.gradient_steps
    longer = dataclasses.replace(steps, steps=5 * steps.steps)
    together = compose_runs([one] * 5)
    assert (together.count, together.epsilon) == (5, pytest.approx(rdp_epsilon((longer,), plan.delta)))
    assert together.delta == plan.delta
    assert compose_runs([one]).epsilon == pytest.approx(2.0, abs=1e-3)


def test_one_run_without_noise_leaves_nothing_together():
    together = compose_runs([small_config(), small_config("privacy.kind=none")])
    assert together.epsilon == math.inf
    assert "have no guarantee: at least one was trained without noise" in describe_together(together)


def test_one_run_that_is_void_leaves_nothing_together():
    void = small_config("flatness.cross_model.mode=as_published")
    assert compose_runs([small_config(), small_config()]).holds
    together = compose_runs([small_config(), void])
    assert (together.void, together.holds) == (1, False)
    assert describe_together(together) == (
        "Released together, these 2 runs have no guarantee: one of them was shaped by un-noised private data."
    )


def test_runs_together_carry_every_caveat_of_each_once():
    seeded, secret = small_config(), small_config("privacy.noise=secret")
    tuned = small_config("privacy.noise=secret", "task.name=imdb")
    told = describe_together(compose_runs([seeded, secret, seeded]))
    assert told.count("as if the noise seed were secret") == 1
    assert "as if" not in describe_together(compose_runs([secret, secret]))
    assert "not counting the tuning of the defaults on imdb" in describe_together(compose_runs([tuned, tuned]))


def test_runs_that_are_weak_together_say_so():
    each = build_config({})
    assert "weak" not in describe_together(compose_runs([each]))
    assert describe_together(compose_runs([each] * 12)).endswith(" A weak promise. epsilon is more than 8.")
    told = describe_together(compose_runs([each, build_config({"privacy": {"delta": 0.5}})]))
    assert "delta is too large" not in told, "the smallest delta holds for all"
    large = describe_together(compose_runs([build_config({"privacy": {"delta": 0.5}})] * 2))
    assert "A weak promise. delta is too large to mean much for" in large
    assert "weak" in describe_budget(Together(1, 9.0, 6.1e-5, 0, (), 8000), "imdb")


@pytest.mark.parametrize(("caveats", "words"), [(("as if x",), ", as if x."), ((), ".")])
def test_the_budget_of_one_run_keeps_its_caveats(caveats, words):
    told = describe_budget(Together(1, 3.0, 6.1e-5, 0, caveats, 8000), "imdb")
    assert told == f"One run has read imdb. It gives epsilon = 3.00 at delta = 6.1e-5{words}"
