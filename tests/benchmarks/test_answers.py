"""The first questions, each answered by rows of the claims."""

import re

from analysis.claims.judge import judge_claims
from analysis.claims.rules import methods_of
from claim_answers import QUESTIONS, write_answers
from dpflat.runs.store import SHIPPED, Store
from tests.analysis.claims.made_up import CLAIMS, make_pairs


def test_every_question_is_answered_by_rows_of_its_own_subject():
    def names(place):
        return [CLAIMS.cards[card - 1].rows[row].name for card, row in dict(QUESTIONS)[place]]

    asked = [question for question, _ in QUESTIONS]
    headline, (attack,), gains, prompts, ablation, flatter, strengths, (sharper,), (related,) = map(names, asked)
    assert all("full fine-tuning without privacy" in name for name in headline)
    assert all("DP prompt with" in name for name in prompts)
    assert "loss threshold on DP-Flat minus that on DP prefix" in attack
    assert [re.search(r"on (\w+)$", name)[1] for name in gains] == ["qnli", "trec", "rotten_tomatoes"]
    assert [re.search(r"of (\w+ \w+)", name)[1] for name in ablation] == [
        "within layer",
        "across layers",
        "across models",
    ]
    assert all(name.startswith("Sharpness of") for name in [*flatter, sharper])
    assert all("lambda 0.01" in name for name in strengths)
    assert len(strengths) == 5
    assert related.startswith("Rank correlation")
    assert all(methods_of(CLAIMS.cards[c - 1].rows[r]) for _, places in QUESTIONS for c, r in places)


def test_an_answer_has_its_card_its_number_and_its_seeds_and_a_missing_one_says_so(tmp_path):
    make_pairs(tmp_path, "DP-Flat", "DP prefix", [4.0 + 0.1 * place for place in range(10)])
    told = write_answers(judge_claims(CLAIMS, Store(tmp_path).list_runs(shipped=False), SHIPPED / "lessons"))
    number = r"4\.\d points higher \[.*\] \(.* against .* %\), as claimed \(10 seeds\)\."
    assert re.search(rf"on rotten_tomatoes \(card 2\): {number}", told)
    assert "on trec (card 2): not tested yet (0 of 10 seeds)." in told
    assert told.count("**") == 2 * len(QUESTIONS)
