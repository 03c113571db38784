"""Every command of truegreen."""

from __future__ import annotations

from truegreen import registry
from truegreen.cli.history_table import HISTORY, LIMIT
from truegreen.cli.options import COMMON, EVENT, EVIDENCE, JSON, QUIET, ROOT, STAGES, Command, Option, seed
from truegreen.cli.proof_table import PROOF

_FOLDER = Option(
    flags=("folder",), metavar="DIR", help="Folder to write the rendered tree to; must be empty or absent."
)
_DRY = Option(flags=("--dry-run",), switch=True, help="Print what would be sent, send nothing.")
_NAMES = Option(
    flags=("names",),
    many="*",
    metavar="SERVICE",
    help="Services such as `redis` or `postgres@18`; none means all configured.",
)
_SHARD = Option(
    flags=("--shard",), metavar="NAME", default="", help="Name of this shard; evidence is kept apart and merged later."
)
_SEED = Option(
    flags=("--seed",), type=seed, metavar="N", help="Run the tests in the random order of this seed, as a log names it."
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
            _SHARD,
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
        name="ingest",
        help="Take the result files of another test runner in as the evidence of a stage.",
        target="truegreen.cli.ingest:main",
        options=(
            Option(flags=("stage",), metavar="STAGE", help="The stage whose tests ran; its earlier evidence goes."),
            Option(flags=("files",), many="+", metavar="FILE", help="All result and coverage files of the stage."),
            Option(flags=("--exit-code",), type=int, metavar="N", help="How the test command ended (`$?`)."),
            Option(
                flags=("--duration",),
                type=float,
                default=0.0,
                metavar="SECONDS",
                help="How long the test command took; without it a time budget of the stage is blind.",
            ),
            Option(flags=("--kind",), metavar="KIND", help="Kind of all the files; told by their content otherwise."),
            JSON,
            _SHARD,
            *COMMON,
        ),
        examples=(
            "truegreen ingest unit go-test.jsonl coverage.xml --exit-code 1 --duration 12.5",
            "truegreen ingest unit ctrf/report.json --shard node-22 --exit-code 0",
            "truegreen ingest e2e TestResults/*.trx --kind trx --exit-code 1",
        ),
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
                choices=registry.names("reporter"),
                default="summary",
                help="Which reporter renders it.",
            ),
            Option(
                flags=("--preview",),
                switch=True,
                help="Open the report in the browser, by your templates where you have some; prints its path.",
            ),
            Option(
                flags=("--report",),
                metavar="FILE",
                help="A verdict.json, or a report.html, which holds one; by default that of the last verdict.",
            ),
            *COMMON,
        ),
        examples=(
            "truegreen summary",
            "truegreen summary --preview",
            "truegreen summary --report ~/Downloads/report.html --format terminal",
        ),
    ),
    Command(
        name="publish",
        help="Write the commit status, the comment and, where asked for, a check run to the forge.",
        target="truegreen.cli.publish:main",
        options=(
            EVIDENCE,
            JSON,
            _DRY,
            Option(flags=("--strict",), switch=True, help="Exit with 4 when a part of it was not accepted."),
            *COMMON,
        ),
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
                options=(
                    _NAMES,
                    Option(
                        flags=("--background",), switch=True, help="Return at once; `services wait` waits for them."
                    ),
                    JSON,
                    *COMMON,
                ),
                examples=(
                    'eval "$(truegreen services up -q)"',
                    "truegreen services up postgres@18 redis --json",
                    "truegreen services up --background",
                ),
            ),
            Command(
                name="wait",
                help="Wait for services that start in the background, and print their URLs.",
                target="truegreen.cli.services:wait",
                options=(JSON, *COMMON),
                examples=('eval "$(truegreen services wait -q)"',),
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
            Option(
                flags=("--forks",),
                switch=True,
                help="Also write the workflow that publishes for pull requests from forks (docs/publishing.md).",
            ),
            Option(flags=("--dry-run",), switch=True, help="Print the files, write nothing."),
            ROOT,
            QUIET,
        ),
        examples=("truegreen init", "truegreen init --forks", "truegreen init --dry-run"),
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
    *PROOF,
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
                ("publish", "publish_run", "Publish what a run without rights left, as hostile data."),
                ("collect", "collect_history", "Collect the history for this run out of what earlier runs left."),
                ("history", "keep_history", "Add the run that was judged to the history."),
                ("services", "start_services", "Start services for a job of the caller's own."),
                ("publish-image", "publish_image", "Push, sign and verify the image that was judged."),
            )
        ),
    ),
)
