"""The tables of a history in ClickHouse."""

from __future__ import annotations

TABLES = (
    "CREATE TABLE IF NOT EXISTS truegreen_version (version UInt32) ENGINE = MergeTree ORDER BY version",
    # A newer row of a run replaces the older ones: whoever reads says FINAL.
    """CREATE TABLE IF NOT EXISTS runs (
        repository LowCardinality(String), run_key String, written UInt64, commit_sha String, created String,
        status LowCardinality(String), duration_s Float64, tests UInt64, failed UInt64, flaky UInt64,
        line_ratio Nullable(Float64), tree String, environment String, branch String, base UInt8, origin String,
        ref String, event LowCardinality(String), run_url String, digest String, checksum UInt32,
        stages Array(Tuple(stage String, status String, duration_s Float64, tests UInt64, infrastructure String,
            test_set String, skipped String, durations String)),
        odd Array(Tuple(stage String, test String, attempts String, fingerprint String))
    ) ENGINE = ReplacingMergeTree(written) ORDER BY (repository, run_key)""",
    """CREATE TABLE IF NOT EXISTS test_sets (
        repository LowCardinality(String), digest String, names String, written DateTime DEFAULT now()
    ) ENGINE = ReplacingMergeTree(written) ORDER BY (repository, digest)""",
    """CREATE TABLE IF NOT EXISTS parts (
        repository LowCardinality(String), run_key String, name String, written UInt64, content String
    ) ENGINE = ReplacingMergeTree(written) ORDER BY (repository, run_key, name)""",
    """CREATE TABLE IF NOT EXISTS incidents (
        repository LowCardinality(String), key String, written UInt64, value String
    ) ENGINE = ReplacingMergeTree(written) ORDER BY (repository, key)""",
    # Which runs there must be: written behind their rows, and taken out before them.
    """CREATE TABLE IF NOT EXISTS receipts (
        repository LowCardinality(String), run_key String, written UInt64
    ) ENGINE = ReplacingMergeTree(written) ORDER BY (repository, run_key)""",
)
