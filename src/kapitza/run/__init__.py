"""Long work: units addressed by their content, never computed twice, on any executor."""
