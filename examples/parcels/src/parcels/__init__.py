"""Parcels and where they were scanned."""
