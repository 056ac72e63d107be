"""Junctions of two crystals: matching, stacking, relaxation, disorder."""
