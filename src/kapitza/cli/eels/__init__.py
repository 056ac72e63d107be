"""The verbs of electron energy-loss spectroscopy."""
