"""Layers of one cross-section, by cosine and Hankel transforms."""
