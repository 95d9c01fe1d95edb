"""Floors, peers and product, side by side in one run."""
