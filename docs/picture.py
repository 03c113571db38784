# /// script
# requires-python = ">=3.11"
# dependencies = ["markdown-it-py==4.0.0"]
# ///
"""Draw a summary as GitHub would show it: `uv run --no-project docs/picture.py SUMMARY.md PICTURE.png`.

Needs a Chromium on PATH (Debian: `apt-get install chromium fonts-noto-color-emoji`). The picture in the README
is the summary of `make demo FAULT=unwired`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

WIDTH, HEIGHT = 1060, 1480
STYLE = """
body { font: 16px/1.5 "Noto Sans", "DejaVu Sans", sans-serif; color: #1f2328; margin: 24px 32px; max-width: 980px }
h2, h3 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; margin: 24px 0 16px }
table { border-collapse: collapse; margin: 16px 0 } th, td { border: 1px solid #d1d9e0; padding: 6px 13px }
tr:nth-child(2n) td { background: #f6f8fa } a { color: #0969da; text-decoration: none }
code { background: #818b981f; border-radius: 6px; padding: .2em .4em; font: 85% "DejaVu Sans Mono", monospace }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; overflow: hidden } pre code { background: none }
td:last-child, td:nth-child(2) { white-space: nowrap }
blockquote { color: #59636e; border-left: .25em solid #d1d9e0; margin: 0; padding: 0 1em } sub { color: #59636e }
"""


def main(source: Path, target: Path) -> int:
    """Write the picture of a Markdown file."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("error: there is no chromium on PATH\n  fix: apt-get install chromium fonts-noto-color-emoji")
    body = MarkdownIt("gfm-like", {"html": True, "linkify": False}).disable("linkify").render(source.read_text())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}", encoding="utf-8")
        argv = [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
        argv += [f"--screenshot={target.resolve()}", f"--window-size={WIDTH},{HEIGHT}", page.as_uri()]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
