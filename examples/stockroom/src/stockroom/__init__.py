"""A small stockroom."""
