"""The commands below `truegreen history`."""

from __future__ import annotations

from truegreen.cli.options import COMMON, JSON, Command, Option

LIMIT = Option(flags=("--limit",), type=int, default=20, metavar="N", help="How many runs, newest first.")
HISTORY = (
    Command(
        name="list",
        help="Show earlier verdicts, newest first; what `truegreen history` does alone.",
        target="truegreen.cli.history:main",
        options=(JSON, LIMIT, *COMMON),
        examples=("truegreen history list --limit 5",),
    ),
    Command(
        name="query",
        help="Show of every test how often it ran, failed, was rescued by a rerun, and disagreed on one tree.",
        target="truegreen.cli.history:query",
        options=(
            Option(flags=("tests",), many="*", metavar="TEXT", help="Only tests whose name holds one of these."),
            Option(flags=("--stage",), default="", metavar="STAGE", help="Only tests of this stage."),
            Option(flags=("--since",), default="", metavar="DATE", help="Only runs made since (2026-11-01)."),
            Option(flags=("--failing",), switch=True, help="Only tests that failed at least once."),
            JSON,
            *COMMON,
        ),
        examples=("truegreen history query --failing", "truegreen history query test_ledger --json"),
    ),
    Command(
        name="import",
        help="Take runs in: folders of artifacts, another history, or exported lines; twice changes nothing.",
        target="truegreen.cli.history:take",
        options=(Option(flags=("sources",), many="+", metavar="PATH", help="Folders or files."), JSON, *COMMON),
        examples=(
            "truegreen history import runs/",
            "truegreen history import other/history.sqlite",
        ),
    ),
    Command(
        name="export",
        help="Write every run with all its results: a line of JSON a run, a Parquet row a test, or a SQLite file.",
        target="truegreen.cli.history:export",
        options=(
            Option(flags=("file",), many="?", default="", metavar="FILE", help="Where to; none is standard output."),
            Option(
                flags=("--format",),
                choices=("jsonl", "parquet", "sqlite"),
                default="jsonl",
                help="jsonl, parquet, or sqlite: a copy, also of a history on a server.",
            ),
            *COMMON,
        ),
        examples=("truegreen history export runs.jsonl", "truegreen history export --format parquet runs.parquet"),
    ),
    Command(
        name="check",
        help="Read all of the history and compare it with its checksums; exit 4 when something is damaged.",
        target="truegreen.cli.history:check",
        options=(JSON, *COMMON),
        examples=("truegreen history check",),
    ),
    Command(
        name="compact",
        help="Forget what is older than wanted, and give its space back.",
        target="truegreen.cli.history:compact",
        options=COMMON,
        examples=("truegreen history compact", "truegreen history compact --set history.keep-days=180"),
    ),
    Command(
        name="pull",
        help="Take in what lies on the branch, or in the folder, of [tool.truegreen.history].",
        target="truegreen.cli.history:pull",
        options=COMMON,
        examples=("truegreen history pull --set history.branch=truegreen-history",),
    ),
    Command(
        name="push",
        help="Take in what lies there, and put everything there; two writers at once lose nothing.",
        target="truegreen.cli.history:push",
        options=COMMON,
        examples=("truegreen history push --set history.branch=truegreen-history",),
    ),
)
