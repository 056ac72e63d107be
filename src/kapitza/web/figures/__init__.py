"""Records as figures of plotly: plain dicts, which need no browser."""
