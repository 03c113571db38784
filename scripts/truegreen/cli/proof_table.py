"""The commands about what is proven: wiring, mutants of it, and requirements."""

from __future__ import annotations

from truegreen.cli.options import COMMON, EVIDENCE, JSON, Command, Option

PROOF = (
    Command(
        name="wiring",
        help="Find dependencies that nobody supplies, and say what the last walk from the factories saw; runs nothing.",
        target="truegreen.cli.wiring:main",
        options=(
            Option(
                flags=("--explain",),
                switch=True,
                help="Show every optional dependency, who supplies it, and what each factory built.",
            ),
            Option(
                flags=("--write-tests",),
                switch=True,
                help="Write what the last walk saw as a test file, which is never written over once you changed it.",
            ),
            JSON,
            *COMMON,
        ),
        examples=("truegreen wiring", "truegreen wiring --explain", "truegreen wiring --write-tests"),
    ),
    Command(
        name="prove",
        help="Take away what the tests should miss, one thing at a time, and list the tests that stay green.",
        target="truegreen.cli.prove:main",
        options=(
            Option(
                flags=("names",),
                many="*",
                metavar="MUTANT",
                help="Such as forgetful-database, commit-fails or unwired:Service.repository; none means all.",
            ),
            JSON,
            *COMMON,
        ),
        examples=("truegreen prove", "truegreen prove forgetful-database"),
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
)
