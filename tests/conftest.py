"""What all tests share."""

import os

from hypothesis import settings

# A red run must be red again: every run tries the same examples. TRUEGREEN_FUZZ=1 looks for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz" if os.environ.get("TRUEGREEN_FUZZ") else "fixed")
