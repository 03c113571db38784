"""Use cases: the imperative shell, and the only place that wires rooms together."""
