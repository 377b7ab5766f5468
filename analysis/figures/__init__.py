"""Typed results as Plotly figures, with the sentences and the looks."""
