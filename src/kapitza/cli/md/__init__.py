"""The verbs of molecular dynamics."""
