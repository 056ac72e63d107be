"""All routes to one conductance: the verb and its report."""
