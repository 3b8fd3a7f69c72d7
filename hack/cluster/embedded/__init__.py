"""One Kubernetes node as plain processes, in network, mount and process namespaces of their own."""
