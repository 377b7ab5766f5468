"""What attacks found, as rows of a table, for page and terminal."""

from __future__ import annotations

from analysis.attacks.results import NAMES, AttacksResult
from analysis.attacks.settings import FALSE_ALARMS
from analysis.figures.attack_findings import point_at, show_area, show_share
from dpflat.privacy.wording import ATTACK_FAILED, NOT_A_GUARANTEE, show_delta, show_epsilon, show_lower_bound

TOO_FEW = "too few rows"


def attack_rows(found: AttacksResult) -> list[dict[str, str]]:
    """One row an attack on the rows of the trained model."""
    rows = []
    for attack in found.attacks.values():
        row = {"attack": attack.name, "area (AUC)": show_area(attack.area), "accuracy": show_share(attack.accuracy)}
        for allowed in FALSE_ALARMS:
            point = point_at(attack, allowed)
            row[f"found at {100 * allowed:g} %"] = show_share(point.found) if point else TOO_FEW
        row["members, others"] = f"{attack.members:,} and {attack.others:,}"
        row["shadow runs"] = str(len(attack.shadows) or "none")
        rows.append(row)
    return rows


def list_absent(found: AttacksResult) -> list[str]:
    """Why some of the attacks, or of the shadow runs, are not there, a sentence each."""
    absent = [f"{NAMES.get(key, key).capitalize()}: {why}" for key, why in found.absent.items()]
    return absent + [f"Left out of the shadow runs: {run}, {why}." for run, why in found.left_out.items()]


def describe_failing(found: AttacksResult) -> str:
    """That attacks which found nothing, or may fail, are no guarantee; that they found nothing only where any ran."""
    ran = bool(found.attacks) or found.audit is not None
    return ATTACK_FAILED if ran and not found.found_something else NOT_A_GUARANTEE


def audit_rows(found: AttacksResult) -> list[dict[str, str]]:
    """What canaries prove; no row without them."""
    audit = found.audit
    if audit is None:
        return []
    return [
        {
            "attack": "canaries",
            "epsilon at least": show_lower_bound(audit.bound),
            "ceiling": show_epsilon(audit.ceiling),
            "delta": show_delta(audit.delta),
            "canaries": f"{audit.canaries:,}",
            "took part": f"{audit.included:,}",
            "guesses": f"{audit.guesses:,}",
            "right": f"{audit.right:,}",
        }
    ]
