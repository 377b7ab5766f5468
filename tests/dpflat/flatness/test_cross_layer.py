import itertools

import numpy as np
import torch

from dpflat.core.prefix import active_layers
from dpflat.flatness.cross_layer import (
    Score,
    bounded_score,
    choose_lowest,
    remove_greedily,
)
from dpflat.privacy.selection import score_sensitivity

PARAMETERS = {f"prefix.{layer}": torch.zeros(1) for layer in range(5)} | {"head.weight": torch.zeros(1)}


def scores(**values):
    return {int(name[1:]): Score(value, 0.0) for name, value in values.items()}


def run(keep, score, choose=choose_lowest):
    return list(remove_greedily(PARAMETERS, keep, score, choose))


def total_of(weights):
    def score(left):
        return Score(sum(weights[layer] for layer in active_layers(left)), 0.0)

    return score


def test_greedy_removal_takes_the_sharpest_part_first_and_scores_every_candidate_of_every_round():
    rounds = run(2, total_of([1, 5, 2, 4, 3]))
    assert [r.removed for r in rounds] == [1, 3, 4]
    assert [sorted(r.candidates) for r in rounds] == [[0, 1, 2, 3, 4], [0, 2, 3, 4], [0, 2, 4]]


def test_greedy_removal_is_not_the_best_subset_where_layers_act_together():
    """Two layers that are sharp only together: greedy takes single steps, as published."""

    def score(left):
        here = set(active_layers(left))
        return Score(10.0 * ({0, 1} <= here) + len(here), 0.0)

    assert next(r.removed for r in run(3, score)) == 0


def test_equal_scores_take_the_first_layer():
    assert choose_lowest(scores(_3=1.0, _1=1.0), 0) == (1, None)


def naive_score(losses_there, losses_here, bound, divisor):
    sums = [np.clip(losses, 0, bound).sum() / divisor for losses in losses_there]
    return bounded_score(sums, np.clip(losses_here, 0, bound).sum() / divisor, bound).value


def test_one_record_more_or_less_never_moves_a_score_by_more_than_its_sensitivity():
    """Random and extreme records; the bound is nearly met, so it is not too wide either."""
    bound, divisor, generator = 2.0, 50, np.random.default_rng(0)
    limit, largest = score_sensitivity(bound, divisor), 0.0
    for rows, extreme in itertools.product((0, 5, 49, 50, 80), (True, False)):
        for _ in range(200):
            there, here = generator.uniform(0, 4, (3, rows)), generator.uniform(0, 4, rows)
            if extreme:
                there, here = np.full((3, rows), bound), np.zeros(rows)
            record = generator.choice([0.0, 4.0], 4) if extreme else generator.uniform(0, 4, 4)
            with_it = naive_score(np.column_stack([there, record[:3]]), np.append(here, record[3]), bound, divisor)
            moved = abs(with_it - naive_score(there, here, bound, divisor))
            largest = max(largest, moved)
            assert moved <= limit + 1e-12
    assert largest > 0.9 * limit


def test_the_bound_for_replacing_one_record_is_another_one():
    bound, divisor = 2.0, 50
    there, here = np.full((1, 50), bound), np.append(np.zeros(49), 0.0)
    changed_there, changed_here = there.copy(), here.copy()
    changed_there[0, 0], changed_here[0] = 0.0, bound
    moved = abs(naive_score(there, here, bound, divisor) - naive_score(changed_there, changed_here, bound, divisor))
    assert score_sensitivity(bound, divisor) < moved <= bound * (bound + 2) / divisor
