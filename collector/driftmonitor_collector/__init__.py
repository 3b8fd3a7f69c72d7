"""The log collector: prediction records in, exactly once on stable storage, Parquet and windows of it out."""
