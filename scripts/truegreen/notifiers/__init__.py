"""Family: incidents to deliveries."""
