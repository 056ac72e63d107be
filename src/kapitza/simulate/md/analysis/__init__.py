"""From what a run recorded to conductances with their uncertainties."""
