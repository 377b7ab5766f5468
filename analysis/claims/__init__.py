"""The paper's claims, each judged by a written rule; what decides was written before its runs."""
