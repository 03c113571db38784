"""truegreen: a green check that means it."""

__version__ = "0.1.0"
