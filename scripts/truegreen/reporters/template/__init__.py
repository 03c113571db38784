"""A team's own template of the summary or the comment: read once, then arranging the parts of any report."""
