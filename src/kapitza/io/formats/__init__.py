"""Containers of records: JSON, NPZ, HDF5, and the safety of files from outside."""
