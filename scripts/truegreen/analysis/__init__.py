"""Pure mathematics over records."""
