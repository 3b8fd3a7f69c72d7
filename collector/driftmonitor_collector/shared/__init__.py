"""Storage that several collectors share: one log, its checkpoints and its Parquet files, as objects of a store.

The log is a sequence of objects, numbered without gaps. An object is only ever created, never replaced, so that of two
collectors that write the same number one finds it taken, reads it, and decides anew what of its own is not stored yet.
So every collector sees the same log, and a row is in it once, whoever sent it to whom.

A checkpoint says up to which number the log lies in Parquet files; then these numbers are deleted. That a number was
free does therefore not prove that it is the log's next: a collector that was held up may create one that was deleted
before. Hence one rule everywhere: what was created or read counts only if, looked for afterwards, no checkpoint has
reached it. Nothing depends on clocks.
"""
