"""Painplan: facts in, a pain mechanism and a cited CarePlan out, the history kept."""
