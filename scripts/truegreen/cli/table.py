"""Every command of truegreen."""

from __future__ import annotations

from truegreen.cli.options import COMMON, EVENT, EVIDENCE, JSON, QUIET, ROOT, STAGES, Command, Option, seed

_FOLDER = Option(
    flags=("folder",), metavar="DIR", help="Folder to write the rendered tree to; must be empty or absent."
)
_DRY = Option(flags=("--dry-run",), switch=True, help="Print what would be sent, send nothing.")
_NAMES = Option(flags=("names",), many="*", metavar="SERVICE", help="Services by name; none means all configured.")
_TIMEOUT = Option(
    flags=("--shard",), metavar="NAME", default="", help="Name of this shard; evidence is kept apart and merged later."
)
_SEED = Option(
    flags=("--seed",), type=seed, metavar="N", help="Run the tests in the random order of this seed, as a log names it."
)

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
        help="Write every run with all its results: a line of JSON a run, or a Parquet row a test.",
        target="truegreen.cli.history:export",
        options=(
            Option(flags=("file",), many="?", default="", metavar="FILE", help="Where to; none is standard output."),
            Option(flags=("--format",), choices=("jsonl", "parquet"), default="jsonl", help="jsonl or parquet."),
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

COMMANDS: tuple[Command, ...] = (
    Command(
        name="run",
        help="Run stages for real, judge their evidence, and exit with the verdict.",
        target="truegreen.cli.run:main",
        passes_through=True,
        options=(
            STAGES,
            EVENT,
            JSON,
            _TIMEOUT,
            _SEED,
            Option(flags=("--no-gate",), switch=True, help="Leave evidence only; a later `truegreen gate` judges it."),
            *COMMON,
        ),
        examples=(
            "truegreen run",
            "truegreen run unit -- -k ledger --maxfail=1",
            "truegreen run unit --seed 1234",
            "truegreen run persistence --json",
            "truegreen run lint unit --set gates.coverage.line=85",
        ),
    ),
    Command(
        name="bisect",
        help="Find the test that makes another one fail.",
        target="truegreen.cli.bisect:main",
        options=(
            Option(flags=("stage",), metavar="STAGE", help="Stage with the test: unit, wiring or persistence."),
            Option(flags=("test",), metavar="TEST", help="The test that fails, as the report names it."),
            Option(
                flags=("--seed",),
                type=seed,
                metavar="N",
                help="Random order to replay (default: that of the stage's last evidence, else as written).",
            ),
            JSON,
            *COMMON,
        ),
        examples=("truegreen bisect unit tests/test_cart.py::test_total --seed 1234",),
    ),
    Command(
        name="gate",
        help="Judge evidence that is already there.",
        target="truegreen.cli.gate:main",
        options=(STAGES, EVENT, EVIDENCE, JSON, *COMMON),
        examples=("truegreen gate", "truegreen gate --evidence artifacts/ --json"),
    ),
    Command(
        name="summary",
        help="Print the report of the last verdict.",
        target="truegreen.cli.summary:main",
        options=(
            EVIDENCE,
            Option(
                flags=("--format",),
                choices=("terminal", "summary", "comment", "json", "annotations"),
                default="summary",
                help="Which reporter renders it.",
            ),
            *COMMON,
        ),
        examples=("truegreen summary", "truegreen summary --format terminal"),
    ),
    Command(
        name="publish",
        help="Write the comment, the check run and the commit status to the forge.",
        target="truegreen.cli.publish:main",
        options=(EVIDENCE, JSON, _DRY, *COMMON),
        examples=("GITHUB_TOKEN=… truegreen publish", "truegreen publish --dry-run"),
    ),
    Command(
        name="notify",
        help="Tell people about a failure, and about its end.",
        target="truegreen.cli.notify:main",
        options=(
            EVIDENCE,
            JSON,
            _DRY,
            Option(flags=("--strict",), switch=True, help="Exit with 4 when a message was not accepted."),
            *COMMON,
        ),
        examples=("SLACK_WEBHOOK_URL=… truegreen notify", "truegreen notify --dry-run"),
    ),
    Command(
        name="services",
        help="Start, stop and inspect the real services of the project.",
        target="truegreen.cli.services:main",
        examples=("truegreen services up", "truegreen services status --json", "truegreen services down"),
        commands=(
            Command(
                name="up",
                help="Start services and print their URLs.",
                target="truegreen.cli.services:up",
                options=(_NAMES, JSON, *COMMON),
                examples=('eval "$(truegreen services up -q)"',),
            ),
            Command(
                name="down",
                help="Stop what `services up` started.",
                target="truegreen.cli.services:down",
                options=(JSON, *COMMON),
            ),
            Command(
                name="status",
                help="Show running services.",
                target="truegreen.cli.services:status",
                options=(JSON, *COMMON),
            ),
            Command(
                name="logs",
                help="Print the log of a service.",
                target="truegreen.cli.services:logs",
                options=(Option(flags=("name",), metavar="SERVICE", help="Service by name."), *COMMON),
            ),
        ),
    ),
    Command(
        name="image",
        help="Build, sign and verify the container image.",
        target="truegreen.cli.image:main",
        examples=("truegreen image build", "truegreen image verify registry.example/app@sha256:…"),
        commands=(
            Command(
                name="build",
                help="Build the image and its SBOM.",
                target="truegreen.cli.image:build",
                options=(JSON, *COMMON),
            ),
            Command(
                name="sign",
                help="Sign an image by digest.",
                target="truegreen.cli.image:sign",
                options=(
                    Option(flags=("reference",), metavar="REF@DIGEST", help="Image with its digest; a tag is refused."),
                    JSON,
                    *COMMON,
                ),
            ),
            Command(
                name="publish",
                help="Push, sign and verify the image that the stage judged; its evidence must be green.",
                target="truegreen.cli.image:publish",
                options=(EVIDENCE, JSON, *COMMON),
                examples=("truegreen image publish --set signed-image.registry=ghcr.io/acme",),
            ),
            Command(
                name="verify",
                help="Verify the signature of an image by digest.",
                target="truegreen.cli.image:verify",
                options=(
                    Option(flags=("reference",), metavar="REF@DIGEST", help="Image with its digest; a tag is refused."),
                    Option(flags=("--key",), metavar="FILE", help="Public key to verify with."),
                    Option(flags=("--identity",), metavar="SAN", help="Exact identity of the signer's certificate."),
                    Option(flags=("--issuer",), metavar="URL", help="Exact issuer of the signer's certificate."),
                    JSON,
                    *COMMON,
                ),
            ),
        ),
    ),
    Command(
        name="doctor",
        help="Find what would fail before the first push.",
        target="truegreen.cli.doctor:main",
        options=(
            JSON,
            Option(
                flags=("--list",),
                switch=True,
                help="List every registered stage, gate, reader, reporter, notifier, store and service.",
            ),
            *COMMON,
        ),
        examples=("truegreen doctor", "truegreen doctor --list"),
    ),
    Command(
        name="init",
        help="Write the caller workflow and a commented [tool.truegreen].",
        target="truegreen.cli.init:main",
        options=(
            Option(
                flags=("--ref",),
                metavar="SHA",
                default="",
                help="Commit of the pack to pin (default: this version's tag).",
            ),
            Option(
                flags=("--repository",),
                metavar="OWNER/REPO",
                default="truegreen/truegreen",
                help="Repository of the pack.",
            ),
            Option(flags=("--dry-run",), switch=True, help="Print the files, write nothing."),
            ROOT,
            QUIET,
        ),
        examples=("truegreen init", "truegreen init --dry-run"),
    ),
    Command(
        name="config",
        help="Explain the configuration.",
        target="truegreen.cli.config:main",
        examples=("truegreen config explain", "truegreen config explain gates.coverage"),
        commands=(
            Command(
                name="explain",
                help="Show values with type, default, source and meaning.",
                target="truegreen.cli.config:explain",
                options=(
                    Option(flags=("key",), many="?", default="", metavar="KEY", help="Dotted key or its beginning."),
                    JSON,
                    *COMMON,
                ),
            ),
        ),
    ),
    Command(
        name="explain",
        help="Explain an error code, a gate or a stage.",
        target="truegreen.cli.explain:main",
        options=(Option(flags=("code",), metavar="CODE", help="Such as TG201, coverage or persistence."), ROOT, QUIET),
        examples=("truegreen explain TG201", "truegreen explain persistence-evidence"),
    ),
    Command(
        name="history",
        help="Show earlier verdicts, and what is known of every test; take runs in and give them out.",
        target="truegreen.cli.history:main",
        options=(JSON, LIMIT, *COMMON),
        examples=(
            "truegreen history",
            "truegreen history --json --limit 100",
        ),
        commands=HISTORY,
        alone=True,
    ),
    Command(
        name="req",
        help="Show the requirements of the project, and write the tests that are missing.",
        target="truegreen.cli.req:main",
        examples=("truegreen req list", "truegreen req stub M1-1.3", "truegreen req stub --missing"),
        commands=(
            Command(
                name="list",
                help="Show every row with its tests, and what the last evidence says about it.",
                target="truegreen.cli.req:listing",
                options=(EVIDENCE, JSON, *COMMON),
            ),
            Command(
                name="stub",
                help="Write a strict expected failure for rows without a test; what is there already stays as it is.",
                target="truegreen.cli.req:stub",
                options=(
                    Option(flags=("ids",), many="*", metavar="ID", help="Requirements by id."),
                    Option(flags=("--missing",), switch=True, help="Every row that no test in the project names."),
                    JSON,
                    *COMMON,
                ),
            ),
        ),
    ),
    Command(
        name="render",
        help="Write the pack's workflows for a runner that does not know `uses: $/…`.",
        target="truegreen.cli.render:main",
        options=(
            Option(
                flags=("--target",), choices=("act", "ghes", "gitea"), required=True, help="Where the tree will run."
            ),
            Option(
                flags=("--repository",),
                metavar="OWNER/REPO",
                required=True,
                help="Repository the pack is reachable under.",
            ),
            Option(flags=("--ref",), metavar="REF", required=True, help="Tag or commit that `$/` becomes."),
            _FOLDER,
            ROOT,
            QUIET,
        ),
        examples=("truegreen render --target act --repository truegreen/truegreen --ref v0 build/pack",),
    ),
    Command(
        name="ci",
        help="Entry points of the composite actions; inputs come as TG_* variables.",
        target="truegreen.cli.ci:plan",
        commands=tuple(
            Command(name=name, help=text, target=f"truegreen.cli.ci:{function}", options=(ROOT, QUIET))
            for name, function, text in (
                ("plan", "plan", "Decide which stages run for this event."),
                ("stage", "stage", "Run and judge one stage."),
                ("report", "report", "Judge all evidence and publish."),
                ("services", "start_services", "Start services for a job of the caller's own."),
                ("publish-image", "publish_image", "Push, sign and verify the image that was judged."),
            )
        ),
    ),
)
