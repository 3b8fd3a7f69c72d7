"""A real Google Cloud Storage server for tests: fake-gcs-server over a folder, out of its Go module."""
