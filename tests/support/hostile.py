"""Text that tries to become markup, commands, links, or to hide."""

from __future__ import annotations

CORPUS = (
    "@octocat fixes #1 and GH-2, o/r#3",
    "<img src=x onerror=alert(1)></details></table>",
    "<!-- truegreen:report -->",
    "| a | b |\n|---|---|",
    "`` ` ``` ````",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png)",
    "https://evil.example www.evil.example a@b.example",
    "::error file=x::owned",
    "  ::set-output name=x::y",
    "##[error]owned",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "line one\r\nline two\u2028line three\x85",
    "# heading\n- list\n> quote\n===\n1. one",
    "**bold** _em_ ~~gone~~ $x$ :shipit: [^1]",
    "\ud800 lone surrogate",
    "&amp; &#64; &lt;",
    "```\nnot closed",
    "a" * 5000,
    "日本語 👩‍👩‍👧 é́",
    "\x00",
    "",
)
