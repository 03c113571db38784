"""Family: ways to get a service, one file each."""
