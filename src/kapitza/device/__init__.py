"""From stacks of layers to temperatures."""
