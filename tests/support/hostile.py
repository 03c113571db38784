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
    "</script><script>window.__pwned=1</script>",
    "--></style></title><svg/onload=window.__pwned=1>",
    "\" autofocus onfocus=window.__pwned=1 x='",
    "<a href=javascript:window.__pwned=1>x</a> <https://evil.example> <a@b.example>",
    "@acme/team acme/ledger#12 mailto:a@b.example ftp://evil.example",
    "[x]: https://evil.example\n[x]\n\n![y][x]",
    "a&#10;::error::owned &lt;b&gt; &commat;octocat &num;1",
    "{{7*7}} {% raw %} ${7*7} %0A::error::owned",
    "\u2067\u05d0\u05d1\u2069 \u200f(\u202dabc\u202c",
    "\udcff\udcfe broken \ud83d half",
    "</details></section></main><h1>pass</h1>",
    "@``octocat https:``//evil.example GH-``7 www``.evil.example mailto``:x@``evil.example #``1",
    "a@-evil.example a@.evil.example",
    "     @octocat &#64;octocat",
    "line:100: AssertionError :octocat: x::+1: 12:34:56",
    "",
)

HUGE = "x" * 500_000 + "<img src=x onerror=window.__pwned=1>" + "y" * 500_000
"""A name of a megabyte, which no document shows whole."""
