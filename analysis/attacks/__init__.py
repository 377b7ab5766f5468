"""Attacks on finished runs: which rows took part, and what that says about epsilon."""
