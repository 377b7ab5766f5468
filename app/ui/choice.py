"""A control whose choice comes from the address, outlives a visit to another page, and is always valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def keep(key: str, offered: Sequence[Any], given: Any, default: Any) -> None:
    """Put a valid choice behind a control: the address, else what this tab showed last, else the default.

    Args:
        key: of the control.
        offered: what can be chosen.
        given: by the address; anything.
        default: where neither fits.
    """
    before = st.session_state.get(key, st.session_state.get(f"{key}_before"))
    chosen = next((value for value in (given, before) if value in offered), default)
    # A control that is not drawn loses its value, so the choice is kept beside it.
    st.session_state[key] = st.session_state[f"{key}_before"] = chosen
