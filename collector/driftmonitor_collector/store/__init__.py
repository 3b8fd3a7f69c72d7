"""Everything that touches the data directory."""
