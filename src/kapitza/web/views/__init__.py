"""Views of the page, one module each: `build_NAME(session)` lays it out, and `VIEW` is how the page knows it."""
