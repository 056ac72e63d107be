"""Verbs that look things up, and the page on which one looks at them."""
