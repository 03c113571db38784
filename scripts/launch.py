"""Start truegreen from this checkout: `python -I scripts/launch.py COMMAND …`.

`-I` keeps the caller's files, `PYTHONPATH` and `sitecustomize.py` out of our process; this file then adds
its own folder, and nothing else, to the path.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from truegreen.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
