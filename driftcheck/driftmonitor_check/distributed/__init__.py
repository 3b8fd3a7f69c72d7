"""Data sets that are read by a cluster of machines.

`parts` divides a data set, `counting` is what a machine does with a part, and `engine` has Dask do it. The sums are
those of `streaming`, so that the scores are the same.
"""
