"""Pure: the statistics of drift, on counts and arrays. Needs numpy and scipy alone.

- `divergences` and `contingency` take two aligned arrays of counts: what a stream of any length can be reduced to.
- `bins` reduces values to such counts.
- `samples` takes the values themselves.

Where Evidently 0.7 has a method of the same name, the score is Evidently's.
"""
