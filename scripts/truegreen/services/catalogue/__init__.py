"""Family: kinds of services, one file each."""
