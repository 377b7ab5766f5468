"""A control whose choice comes from the address, outlives a visit to another page, and is always valid."""

from __future__ import annotations

from typing import Any

import streamlit as st


def keep(key: str, offered: list[Any], given: Any, default: Any) -> None:
    """Put a valid choice behind a control: the address, else what this tab showed last, else the default.

    Args:
        key: of the control.
        offered: what can be chosen.
        given: by the address; anything.
        default: where neither fits.
    """
    chosen = given if given in offered else st.session_state.get(key)
    st.session_state[key] = chosen if chosen in offered else default
