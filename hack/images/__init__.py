"""Builds the container images: `python3 -m hack.images`."""
