"""Write the tables of docs/findings.md anew from the shipped runs and what is stored for the lessons.

    python benchmarks/findings.py [--runs cached_runs] [--document docs/findings.md]

Each table stands between `<!-- NAME -->` and `<!-- end -->`. Tables of cells are of seeds 0 to 4, and leave out
cells that lack one; the answers are of the runs that the claims' rules name.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.claims.judge import judge_claims
from analysis.claims.rules import read_claims
from analysis.comparison.points import student_interval
from analysis.comparison.pooling import has_readout
from analysis.layers.results import LayersResult
from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import Subset, rank_of
from analysis.layers.trace import removed_layers
from analysis.results import PairedDifference
from analysis.store import find_analysis
from analysis.tradeoff import Key, bootstrap_mean, compare_groups, group_runs, summarise_group
from app.claim_rows import show_ratio
from claim_answers import write_answers
from dpflat.privacy.wording import show_epsilon, show_lower_bound
from dpflat.runs.files import is_there, read_json, replace_file
from dpflat.runs.layout import ARTIFACTS, SELECTION
from dpflat.runs.record import Run
from dpflat.runs.store import SHIPPED, Store
from label_text_tables import show_difference, tell_frontier, tell_label_texts

SEEDS, TASK, TINY, LARGE = 5, "rotten_tomatoes", "dpflat-tiny", "minilm"
PLAIN: Key = ("DP prefix", 3.0)
PAIRS: tuple[tuple[str, Key, Key], ...] = (
    ("no privacy", ("non-private prefix", None), ("non-private head only", None)),
    ("epsilon 3", PLAIN, ("head only", 3.0)),
)
DRAWN: Key = ("DP prefix + across layers (fixed)", 3.0)
Groups = dict[Key, list[Run]]
Attacked = dict[Key, dict[int, tuple[Run, AttacksResult]]]


def make_table(head: list[str], rows: list[list[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tell_levels(groups: Groups) -> str:
    """Every method at epsilon 3 beside plain DP prefix tuning."""
    rows = []
    for key in sorted(key for key in groups if key[1] == PLAIN[1] and key[0] != "head only"):
        point = summarise_group(key, groups[key])
        if point is not None and PLAIN in groups:
            against = "-" if key == PLAIN else show_difference(compare_groups(groups[key], groups[PLAIN]))
            accuracy = f"{100 * point.mean:.1f} [{100 * point.low:.1f}, {100 * point.high:.1f}]"
            rows.append([key[0], point.guarantee, accuracy, against])
    return make_table(["method", "guarantee", "accuracy, %", "minus DP prefix, points"], rows)


def tell_prefixes(tiny: Groups, large: Groups) -> str:
    """Prefixes beside a head alone, on both backbones."""
    rows = [
        [name, *(show_difference(compare_groups(g[a], g[b]) if a in g and b in g else None) for g in (tiny, large))]
        for name, a, b in PAIRS
    ]
    return make_table(["prefix minus head alone, points", TINY, LARGE], rows)


def tell_backbones(tiny: Groups, large: Groups) -> str:
    """The large backbone beside the small one, without privacy."""
    keys = [key for key in PAIRS[0][1:] if key in tiny and key in large]
    rows = [[key[0], show_difference(compare_groups(large[key], tiny[key]))] for key in keys]
    return make_table(["no privacy", f"{LARGE} minus {TINY}, points"], rows)


def tell_removals(groups: Groups) -> str:
    """Which layers each seed's run removed, in their order."""
    rows = []
    for key in sorted(key for key in groups if key[1] == PLAIN[1]):
        paths = [run.folder / ARTIFACTS / SELECTION for run in groups[key]]
        if all(map(is_there, paths)):
            rounds = [read_json(path)["rounds"] for path in paths]
            lowest = sum(one["removed"] == one["best"] for run in rounds for one in run)
            took = [", ".join(str(one["removed"]) for one in run) for run in rounds]
            rows.append([key[0], *took, f"{lowest} of {sum(len(run) for run in rounds)}"])
    return make_table(["layers removed", *(f"seed {seed}" for seed in range(SEEDS)), "lowest score taken"], rows)


def against_random(choices: Sequence[tuple[LayersResult, Subset]]) -> PairedDifference | None:
    """Accuracy of the chosen sets minus the mean over all sets of their size, paired by seed and test example.

    A random set is right on an example as often as the sets of that size are.

    Args:
        choices: for each seed what was measured and the layers that kept their prefix.

    Returns:
        The difference as a share; None where single rows are not stored, or not the same for all.

    Privacy: reads stored answers to held-out rows: diagnostic.
    """
    differences = []
    for result, kept in choices:
        if result.correct is None or kept not in result.subsets:
            return None
        same = [place for place, subset in enumerate(result.subsets) if len(subset) == len(kept)]
        own = list(result.subsets).index(kept)
        differences.append(result.correct[own].astype(float) - result.correct[same].mean(axis=0))
    if not differences or len({len(difference) for difference in differences}) > 1:
        return None
    values = np.stack(differences)
    low, high = bootstrap_mean(values)
    return PairedDifference(float(values.mean()), low, high, *values.shape)


def rank_choices(choices: Sequence[tuple[LayersResult, Subset]]) -> list[tuple[int, int]]:
    """The rank by accuracy of each seed's choice among all sets of its size (1 is best), and how many those are."""
    return [rank_of(kept, result.values("accuracy"), higher_is_better=True) for result, kept in choices]


def mean_overlap(removals: Sequence[tuple[int, ...]]) -> float | None:
    """How many of the removed layers two seeds have in common, on average over all pairs; None for one seed."""
    pairs = [(set(a), set(b)) for number, a in enumerate(removals) for b in removals[number + 1 :]]
    return sum(len(a & b) for a, b in pairs) / len(pairs) if pairs else None


def tell_choices(groups: Groups) -> str:
    """Whether each way to choose layers beats a random choice, where they were chosen and after training on."""
    rows = []
    for key in sorted(key for key in groups if key[1] == PLAIN[1]):
        found = [(run, find_analysis(run, LayersConfig())) for run in groups[key]]
        removed = [removed_layers(run) for run in groups[key]]
        if not all(analysis and analysis.state == "finished" for _, analysis in found) or not all(removed):
            continue
        results = [analysis.result for _, analysis in found if analysis is not None and analysis.result is not None]
        choices = [
            (r, tuple(n for n in r.everything() if n not in gone)) for r, gone in zip(results, removed, strict=True)
        ]
        trained = compare_groups(groups[key], groups[DRAWN]) if DRAWN in groups and key != DRAWN else None
        scored = results[0].weights != "final"
        ranks = ", ".join(str(rank) for rank, _ in rank_choices(choices)) if scored else "-"
        overlap = mean_overlap(removed)
        rows.append(
            [
                key[0],
                show_difference(against_random(choices)) if scored else "-",
                ranks,
                show_difference(trained),
                f"{overlap:.1f} of {len(removed[0])}" if overlap is not None else "-",
            ]
        )
    head = [
        "way to choose",
        "minus a random pair, taken out",
        "ranks of 15 (1 is best), by seed",
        "minus the drawn pair, trained on",
    ]
    return make_table([*head, "layers that two seeds share"], rows)


def tell_remove_one(stored: dict[str, Any]) -> str:
    """How far one record moved the sum, natural and hostile, and a chance; modes that only kept to C in one row."""
    modes = stored["modes"]
    kept = [m for m in modes.values() if m["guarantee"] != "void" and "choices" not in m]
    named = {name: m for name, m in modes.items() if m not in kept}
    named |= {f"{name}, the authors' strength": m for name, m in stored.get("authors", {}).items()}
    rows = []
    for name, mode in named.items():
        hostile, above = mode["hostile"], f"{100 * mode['share_above_c']:.1f} %"
        text, label = hostile["furthest"]["text"], "wrong" if hostile["furthest"]["planted"] else "own"
        moved = [f"{mode['largest']:.2f}", above, f"{hostile['largest']:.2f}", f"{text}, {label} label"]
        rows.append([name, *moved, str(len(hostile["trials"])), tell_choice(mode.get("choices"))])
    most = [f"{max(m['largest'] for m in kept):.2f}", f"{max(m['hostile']['largest'] for m in kept):.2f}"]
    above = f"{100 * max(m['share_above_c'] for m in kept):.1f} %"
    fewest = min(len(m["hostile"]["trials"]) for m in kept)
    rows.append([f"the {len(kept)} others", most[0], above, most[1], "-", f"{fewest} or more each", "-"])
    head = ["mode", "natural: largest, C", "above C", "hostile: largest, C", "by", "hostile trials", "log chance moved"]
    return make_table(head, rows)


def tell_choice(choices: dict[str, Any] | None) -> str:
    """How far one record moved the log of a choice's probability, beside what was paid."""
    if choices is None:
        return "-"
    if not choices["paid"]:
        return f"{choices['changed']} of {len(choices['trials'])} changed it"
    return f"{choices['largest']:.2g} of {choices['paid']:g} paid"


def tell_sweep(stored: dict[str, Any] | None) -> str:
    """What the attack on a claimed epsilon proves: one row a form, its bounds from the largest setting on."""
    if stored is None:
        return "Not stored yet."
    rows = []
    for form, smallest in stored["smallest_refuted"].items():
        own = [v for name, v in stored["verdicts"].items() if name.rpartition("-")[0] == form]
        bounds = "; ".join(f"{v['bound']:.2f} at {v['value']:g}" for v in own)
        rows.append([form, bounds, "none" if smallest is None else f"{smallest:g}"])
    return make_table(["form", "epsilon at least, at lambda or gamma", "smallest setting refuted"], rows)


def read_attacked(runs: list[Run], planted: bool) -> Attacked:
    """Attacks on runs with canaries, or on those that trained on all sentences: by method and epsilon, by seed."""
    found: Attacked = {}
    for run in runs:
        config, epsilon = run.config, getattr(run.config.privacy, "epsilon", None)
        wanted = (config.task.name, config.backbone.name, bool(config.data.canaries)) == (TASK, TINY, planted)
        analysis = find_analysis(run, AttacksConfig()) if wanted else None
        if analysis is None or analysis.state != "finished":
            continue
        found.setdefault((run.config.method(), epsilon), {})[run.config.seed] = run, analysis.result
    return {key: found[key] for key in sorted(found, key=lambda key: (key[1] is not None, key[0]))}


def show_areas(values: list[float], sign: str = "") -> str:
    """Their mean with Student's interval over seeds, which one seed has not."""
    if len(values) < 2:
        return f"{values[0]:{sign}.3f} (1 seed)" if values else "not measured"
    low, high = student_interval(np.array(values))
    return f"{np.mean(values):{sign}.3f} [{low:.3f}, {high:.3f}]"


def tell_areas(attacked: Attacked, attack: str) -> list[list[str]]:
    """Of each method: name, guarantee, an attack's area, seeds in which it found something, difference to DP prefix."""
    rows = []
    for key, by_seed in attacked.items():
        areas = {seed: found.attacks[attack].area for seed, (_, found) in by_seed.items() if attack in found.attacks}
        plain = attacked.get(PLAIN, {})
        both = [seed for seed in sorted(areas) if seed in plain and attack in plain[seed][1].attacks]
        pairs = [areas[seed].value - plain[seed][1].attacks[attack].area.value for seed in both]
        rows.append(
            [
                key[0],
                next(iter(by_seed.values()))[0].ledger.guarantee().answer,
                show_areas([area.value for area in areas.values()]),
                f"{sum(area.low > 0.5 for area in areas.values())} of {len(areas)}" if areas else "-",
                show_areas(pairs, "+") if pairs and key != PLAIN else "-",
            ]
        )
    return rows


def tell_attacks(attacked: Attacked) -> str:
    """What each of three attacks finds in runs that can be attacked."""
    likelihood = {row[0]: row[2:4] for row in tell_areas(attacked, "likelihood")}
    rows = []
    for (key, by_seed), row in zip(attacked.items(), tell_areas(attacked, "threshold"), strict=True):
        audits = [found.audit for _, (_, found) in sorted(by_seed.items()) if found.audit is not None]
        bounds = ", ".join(show_lower_bound(audit.bound) for audit in audits)
        ceiling = show_epsilon(max(audit.ceiling for audit in audits))
        rows.append([*row, *likelihood[key[0]], f"{bounds} (of {ceiling})"])
    head = ["method", "guarantee", "loss threshold, AUC", "finds something, seeds", "minus DP prefix"]
    head += ["likelihood ratio, AUC", "finds something, seeds", "canaries: epsilon at least, by seed (of at most)"]
    return make_table(head, rows)


def tell_attacks_on_all(attacked: Attacked) -> str:
    """What the loss threshold finds in runs on all sentences, and how far that is from plain DP prefix tuning."""
    whole = {key: by_seed for key, by_seed in attacked.items() if len(by_seed) == SEEDS}
    if not whole:
        return "Not stored yet."
    head = ["method", "guarantee", "loss threshold, AUC", "finds something, seeds", "minus DP prefix"]
    return make_table(head, tell_areas(whole, "threshold"))


def tell_costs(stored: dict[str, Any]) -> str:
    """What each mode takes beside plain DP-SGD: ratios with their lowest and highest, and seconds before the steps."""
    rows = [
        [
            mode.replace(".", ": "),
            show_ratio(*cost["step"]),
            show_ratio(*cost["training"]),
            show_ratio(*cost["peak_mb"]),
            f"{cost['selection_s'] + cost['twin_s']:.0f}",
            str(cost["rounds"]),
        ]
        for mode, cost in stored["modes"].items()
        if "." in mode
    ]
    head = ["mode", "step, ratio", "training, ratio", "peak memory, ratio", "choosing or twin, s", "rounds"]
    return make_table(head, rows)


def tell_all(root: Path) -> dict[str, str]:
    """All tables by name, from a folder of runs."""
    everything, lessons = Store(root).list_runs(shipped=False), root / "lessons"
    runs = [run for run in everything if run.config.seed < SEEDS and has_readout(run.config, "linear")]
    tiny, large = (
        {key: group for key, group in group_runs(runs, TASK, backbone).items() if len(group) == SEEDS}
        for backbone in (TINY, LARGE)
    )
    sweep = lessons / "refute_epsilon.json"
    return {
        "answers": write_answers(judge_claims(read_claims(), everything, lessons)),
        "levels": tell_levels(tiny),
        "label texts": make_table(*tell_label_texts(everything)),
        "frontier": make_table(*tell_frontier(everything)),
        "prefixes": tell_prefixes(tiny, large),
        "backbones": tell_backbones(tiny, large),
        "removals": tell_removals(tiny),
        "choices": tell_choices(tiny),
        "attacks": tell_attacks(read_attacked(runs, planted=True)),
        "attacks on all": tell_attacks_on_all(read_attacked(runs, planted=False)),
        "costs": tell_costs(read_json(lessons / "level_costs.json")),
        "remove one": tell_remove_one(read_json(lessons / "remove_one.json")),
        "sweep": tell_sweep(read_json(sweep) if sweep.exists() else None),
    }


def fill(document: str, tables: dict[str, str]) -> str:
    """The document with each table between its marks replaced."""
    for name, table in tables.items():
        found = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        document = found.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", document)
    return document


def main() -> None:
    """Fill the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=SHIPPED)
    parser.add_argument("--document", type=Path, default=SHIPPED.parent / "docs" / "findings.md")
    arguments = parser.parse_args()
    filled = fill(arguments.document.read_text(encoding="utf-8"), tell_all(arguments.runs))
    replace_file(arguments.document, filled.encode())


if __name__ == "__main__":
    main()
