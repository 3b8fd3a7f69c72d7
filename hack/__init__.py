"""Programs for people who work on DriftMonitor: its cluster, its images, its demo, its generated files."""
