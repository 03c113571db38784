"""Family: bytes to records."""
