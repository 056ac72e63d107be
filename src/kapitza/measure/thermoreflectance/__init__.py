"""Experiments on stacks of layers that are heated by light or current."""
