"""Family: evidence, policy and history to a verdict; pure."""
