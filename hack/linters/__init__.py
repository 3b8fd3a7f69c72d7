"""Programs that judge Kubernetes manifests, and what is held against their findings."""
