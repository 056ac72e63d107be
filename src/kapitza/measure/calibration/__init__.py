"""An estimate of the conductance that has learnt from what was measured, with an honest interval."""
