"""Processor time and memory of drift scores over many rows, beside Evidently's preset on the same files and in one run.

Both sides are Parquet files of numbers with three decimals (which keeps 100 million rows of them on a disk); a third of
the columns is moved by a fifth of their standard deviation. Each measurement is a process of its own, from its start to
its end: what importing costs is in it. CPU is that of all its threads, memory the largest resident set.

`--rows 100000000` compares windows that Evidently cannot hold: give `--ours` with it.
"""
