"""Scores of columns of any size, from batches of rows.

`sources` gives batches; `numbers`, `tally` and `ordering` reduce them to aggregates that add up, whatever the order or
the machine of the batches; `scripts` says which of them each method needs, and `comparing` reads both sides for all
columns together. The scores are those of the same rows in memory, or lie within bounds that are told.
"""
