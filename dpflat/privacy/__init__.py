"""What a run costs, and what it promises."""

from dpflat.lazy import load_later

_PLACES = {
    "PrivacyLedger": "dpflat.privacy.ledger",
    "PrivacyPlan": "dpflat.privacy.plan",
    "bound_epsilon": "dpflat.privacy.accounting",
    "bound_plan": "dpflat.privacy.accounting",
    "calibrate_noise": "dpflat.privacy.calibration",
    "compose_promises": "dpflat.privacy.together",
    "default_delta": "dpflat.privacy.plan",
    "describe_together": "dpflat.privacy.wording_together",
    "rdp_epsilon": "dpflat.privacy.accounting",
    "spent_epsilon": "dpflat.privacy.accounting",
}
__all__ = list(_PLACES)
__getattr__ = load_later(__name__, _PLACES)
