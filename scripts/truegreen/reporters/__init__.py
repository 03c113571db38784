"""Family: verdicts to documents; pure."""
