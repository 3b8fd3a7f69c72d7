"""Rows a second, CPU, memory and bytes a row of the collector, and the reading of a window, beside what others take.

`rate` sends the same rows to the collector and to FastAPI with `list[Model]`, which keeps them in a file, and in
another process makes Parquet files of them, too: what is compared does the same work.
`rows` sends millions of rows, watches the collector's memory, and counts what they take in Parquet. `window` reads a
million of them from the collector, and from the same files with pyarrow and DuckDB. Everything that is compared runs in
turns within one run, so that a slow minute of the machine meets all; each figure is the median of the rounds, each
ratio the median of the rounds' ratios. Server and sender have a core each.
"""
