import pytest
import torch

from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import expand_per_example, trained_prefixes
from dpflat.flatness.cross_model import move_average, pull_gradient, pull_inside
from dpflat.flatness.inputs import Released
from dpflat.flatness.modes.pull_as_published import PullAsPublished
from dpflat.flatness.modes.pull_average import PullAverage
from tests.conftest import make_split, random_parameters

WEIGHTS = {"prefix.0": torch.tensor([1.0, 2.0]), "prefix.1": torch.tensor([-2.0]), "head.bias": torch.tensor([5.0])}
TARGET = {"prefix.0": torch.tensor([1.0, 0.0]), "prefix.1": torch.tensor([-1.0])}


def distance(parameters, squared):
    total = sum((parameters[key] - value).square().sum() for key, value in TARGET.items())
    return total if squared else total.sqrt()


@pytest.mark.parametrize("form", ["squared", "norm"])
def test_the_pull_is_the_gradient_of_its_distance(form):
    leaves = {key: value.clone().requires_grad_() for key, value in WEIGHTS.items() if key in TARGET}
    (0.3 * distance(leaves, form == "squared")).backward()
    found = pull_gradient(PullAverage(mode="average", strength=0.3, distance=form), WEIGHTS, TARGET)
    assert found.keys() == TARGET.keys()
    for key, leaf in leaves.items():
        torch.testing.assert_close(found[key], leaf.grad)


def test_the_unsquared_pull_has_the_same_length_everywhere_and_none_at_its_target():
    settings = PullAverage(mode="average", strength=0.01, distance="norm")
    for factor in (1.0, 100.0):
        far = {key: factor * value for key, value in WEIGHTS.items()}
        pull = pull_gradient(settings, far, TARGET)
        assert torch.cat([value.flatten() for value in pull.values()]).norm() == pytest.approx(0.01, rel=1e-5)
    assert all(bool((v == 0).all()) for v in pull_gradient(settings, {**WEIGHTS, **TARGET}, TARGET).values())


@pytest.mark.parametrize("form", ["squared", "norm"])
def test_the_published_pull_is_the_gradient_of_each_examples_own_loss_with_it(tiny, form):
    objective, parameters = Classification(tiny, 1.0, 1.0), random_parameters(tiny)
    target = {key: value + 0.1 for key, value in trained_prefixes(parameters).items()}
    batch = make_split(4).collate(range(4))
    settings = PullAsPublished(mode="as_published", strength=0.5, distance=form)
    leaves = expand_per_example(parameters, 4)
    away = sum((leaves[key] - value).flatten(1).square().sum(dim=1) for key, value in target.items())
    penalty = 0.5 * (away if form == "squared" else away.sqrt())
    (objective.per_example_loss(leaves, batch, per_example=True) + penalty).sum().backward()
    found = pull_inside(settings, per_unit_gradients(objective, parameters, batch), parameters, target)
    for key, leaf in leaves.items():
        torch.testing.assert_close(found.gradients[key], leaf.grad, rtol=1e-4, atol=1e-6)


def test_the_average_of_iterates_moves_by_its_share():
    average = move_average({}, Released({"prefix.0": torch.tensor([2.0])}), 0.9)
    assert average["prefix.0"].item() == 2.0
    average = move_average(average, Released({"prefix.0": torch.tensor([4.0])}), 0.9)
    assert average["prefix.0"].item() == pytest.approx(0.9 * 2 + 0.1 * 4)
