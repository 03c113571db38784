"""Catalogue of real services, and the providers that start them."""
