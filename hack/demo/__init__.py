"""The demo: a model of late flights is served, its data change with the season, and its DriftMonitor says so."""
