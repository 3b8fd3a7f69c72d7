"""A real Kubernetes cluster on any machine: `python3 -m hack.cluster --help`.

Standard library only: this runs before anything is installed.
"""
