"""Schema, layers, provenance, explanation of the configuration."""
