"""Port to the forge (pull requests, checks), and its adapters."""
