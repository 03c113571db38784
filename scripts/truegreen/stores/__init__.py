"""Family: history of earlier runs."""
