"""Files of molecular dynamics."""
