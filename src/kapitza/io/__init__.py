"""Files to records and back: the only place with foreign units.

`kapitza.save` and `kapitza.load` live in `results`; nothing is loaded here, so that writing a
file costs no more than it has to.
"""
