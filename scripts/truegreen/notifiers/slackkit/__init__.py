"""How a message for Slack is worded and built."""
