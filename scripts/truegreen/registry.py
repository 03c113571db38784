"""The one table of families: kind → name → `module:Class`, loaded on demand.

A new gate, reader, reporter, notifier, store, stage, service or provider is one new file and one line
here. Option schema, JSON Schema, documentation, contract tests and `truegreen doctor --list` follow.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from typing import Any

from truegreen.errors import UnknownName

FAMILIES: dict[str, dict[str, str]] = {
    "stage": {
        "lint": "truegreen.stages.lint:Lint",
        "unit": "truegreen.stages.unit:Unit",
        "wiring": "truegreen.stages.wiring:Wiring",
        "persistence": "truegreen.stages.persistence:Persistence",
        "e2e": "truegreen.stages.e2e:EndToEnd",
        "performance": "truegreen.stages.performance:Performance",
        "security-scan": "truegreen.stages.security_scan:SecurityScan",
        "signed-image": "truegreen.stages.signed_image:SignedImage",
        "mutation": "truegreen.stages.mutation:Mutation",
        "prove": "truegreen.stages.prove:Prove",
    },
    "reader": {
        "junit": "truegreen.ingest.junit:JUnitReader",
        "trx": "truegreen.ingest.trx:TrxReader",
        "xunit": "truegreen.ingest.xunit:XunitReader",
        "nunit": "truegreen.ingest.nunit:NunitReader",
        "go-test-json": "truegreen.ingest.go_test_json:GoTestJsonReader",
        "ctrf": "truegreen.ingest.ctrf:CtrfReader",
        "pytest-reportlog": "truegreen.ingest.pytest_reportlog:PytestReportlogReader",
        "pytest-session": "truegreen.ingest.pytest_session:PytestSessionReader",
        "coverage-json": "truegreen.ingest.coverage_json:CoverageJsonReader",
        "coverage-data": "truegreen.ingest.coverage_data:CoverageDataReader",
        "cobertura": "truegreen.ingest.cobertura:CoberturaReader",
        "lcov": "truegreen.ingest.lcov:LcovReader",
        "jacoco": "truegreen.ingest.jacoco:JacocoReader",
        "clover": "truegreen.ingest.clover:CloverReader",
        "persistence": "truegreen.ingest.persistence:PersistenceReader",
        "ruff": "truegreen.ingest.ruff:RuffReader",
        "formatter": "truegreen.ingest.formatter:FormatterReader",
        "actionlint": "truegreen.ingest.actionlint:ActionlintReader",
        "zizmor": "truegreen.ingest.zizmor:ZizmorReader",
        "bandit": "truegreen.ingest.bandit:BanditReader",
        "semgrep": "truegreen.ingest.semgrep:SemgrepReader",
        "pip-audit": "truegreen.ingest.pip_audit:PipAuditReader",
        "locust": "truegreen.ingest.locust:LocustReader",
        "k6": "truegreen.ingest.k6:K6Reader",
        "image": "truegreen.ingest.image:ImageReader",
        "mutation": "truegreen.ingest.mutation:MutationReader",
        "paired-times": "truegreen.ingest.paired_times:PairedTimesReader",
        "wiring": "truegreen.ingest.wiring:WiringReader",
        "proof": "truegreen.ingest.proof:ProofReader",
        "fakes": "truegreen.ingest.fakes:FakesReader",
        "test-style": "truegreen.ingest.test_style:StyleReader",
    },
    "gate": {
        "stage-complete": "truegreen.gates.stage_complete:StageComplete",
        "tests-ran": "truegreen.gates.tests_ran:TestsRan",
        "no-failures": "truegreen.gates.no_failures:NoFailures",
        "coverage": "truegreen.gates.coverage:CoverageGate",
        "patch-coverage": "truegreen.gates.patch_coverage:PatchCoverage",
        "coverage-ratchet": "truegreen.gates.coverage_ratchet:CoverageRatchet",
        "flakiness": "truegreen.gates.flakiness:Flakiness",
        "flakiness-history": "truegreen.gates.flakiness_history:FlakinessHistory",
        "time-budget": "truegreen.gates.time_budget:TimeBudget",
        "time-regression": "truegreen.gates.time_regression:TimeRegression",
        "full-run-budget": "truegreen.gates.full_run_budget:FullRunBudget",
        "persistence-evidence": "truegreen.gates.persistence_evidence:PersistenceGate",
        "no-mocks": "truegreen.gates.no_mocks:NoMocks",
        "unwired": "truegreen.gates.unwired:Unwired",
        "test-style": "truegreen.gates.test_style:TestStyle",
        "state-leaks": "truegreen.gates.state_leaks:StateLeaks",
        "lint-clean": "truegreen.gates.lint_clean:LintClean",
        "findings": "truegreen.gates.findings:Findings",
        "load": "truegreen.gates.load:Load",
        "load-regression": "truegreen.gates.load_regression:LoadRegression",
        "image-verified": "truegreen.gates.image_verified:ImageVerified",
        "mutation-survivors": "truegreen.gates.mutation_survivors:MutationSurvivors",
        "proof-survivors": "truegreen.gates.proof_survivors:ProofSurvivors",
        "quarantine": "truegreen.gates.quarantine:Quarantine",
        "one-stage": "truegreen.gates.one_stage:OneStage",
        "file-stages": "truegreen.gates.file_stages:FileStages",
        "requirements": "truegreen.gates.requirements:Requirements",
        "waivers": "truegreen.gates.waivers:Waivers",
    },
    "reporter": {
        "summary": "truegreen.reporters.summary:SummaryReporter",
        "comment": "truegreen.reporters.comment:CommentReporter",
        "html": "truegreen.reporters.html_page:HtmlReporter",
        "json": "truegreen.reporters.verdict_json:JsonReporter",
        "terminal": "truegreen.reporters.terminal:TerminalReporter",
        "annotations": "truegreen.reporters.annotations:AnnotationsReporter",
        "junit": "truegreen.reporters.junit_xml:JunitReporter",
        "sarif": "truegreen.reporters.sarif:SarifReporter",
        "ctrf": "truegreen.reporters.ctrf_json:CtrfReporter",
        "sonar-tests": "truegreen.reporters.sonar_xml:SonarTestsReporter",
        "sonar-coverage": "truegreen.reporters.sonar_xml:SonarCoverageReporter",
        "badge-verdict": "truegreen.reporters.badges:VerdictBadge",
        "badge-coverage": "truegreen.reporters.badges:CoverageBadge",
        "badge-flakiness": "truegreen.reporters.badges:FlakinessBadge",
    },
    "notifier": {
        "slack": "truegreen.notifiers.slack:SlackNotifier",
    },
    "store": {
        "sqlite": "truegreen.stores.sqlite_file:SqliteStore",
        "postgres": "truegreen.stores.postgres:PostgresStore",
        "clickhouse": "truegreen.stores.clickhouse:ClickhouseStore",
    },
    "service": {
        "postgres": "truegreen.services.catalogue.postgres:Postgres",
        "redis": "truegreen.services.catalogue.redis:Redis",
        "nats": "truegreen.services.catalogue.nats:Nats",
        "mariadb": "truegreen.services.catalogue.mariadb:MariaDb",
        "mysql": "truegreen.services.catalogue.mysql:MySql",
        "valkey": "truegreen.services.catalogue.valkey:Valkey",
        "rabbitmq": "truegreen.services.catalogue.rabbitmq:RabbitMq",
        "kafka": "truegreen.services.catalogue.kafka:Kafka",
        "mongodb": "truegreen.services.catalogue.mongodb:MongoDb",
        "qdrant": "truegreen.services.catalogue.qdrant:Qdrant",
        "minio": "truegreen.services.catalogue.minio:Minio",
        "opa": "truegreen.services.catalogue.opa:Opa",
        "elasticsearch": "truegreen.services.catalogue.elasticsearch:Elasticsearch",
        "opensearch": "truegreen.services.catalogue.opensearch:OpenSearch",
        "mailpit": "truegreen.services.catalogue.mailpit:Mailpit",
    },
    "observer": {
        "postgres": "truegreen.stages.observers.postgres:PostgresObserver",
        "redis": "truegreen.stages.observers.redis:RedisObserver",
        "valkey": "truegreen.stages.observers.redis:ValkeyObserver",
        "mariadb": "truegreen.stages.observers.mysql:MariaDbObserver",
        "mysql": "truegreen.stages.observers.mysql:MySqlObserver",
        "nats": "truegreen.stages.observers.nats:NatsObserver",
        "rabbitmq": "truegreen.stages.observers.rabbitmq:RabbitMqObserver",
        "minio": "truegreen.stages.observers.minio:MinioObserver",
        "kafka": "truegreen.stages.observers.kafka:KafkaObserver",
        "folder": "truegreen.stages.observers.folder:FolderObserver",
    },
    "provider": {
        "containers": "truegreen.services.providers.containers:ContainersProvider",
        "embedded": "truegreen.services.providers.embedded:EmbeddedProvider",
        "attach": "truegreen.services.providers.attach:AttachProvider",
    },
}


def names(kind: str) -> tuple[str, ...]:
    """Return the registered names of a family, in the order of the table."""
    return tuple(FAMILIES[kind])


@cache
def load(kind: str, name: str) -> Any:
    """Return the class registered under a name.

    Raises:
        UnknownName: with the nearest known name.
    """
    family = FAMILIES[kind]
    if name not in family:
        near = difflib.get_close_matches(name, family, n=1)
        hint = f"perhaps you meant {near[0]!r}" if near else "known: " + ", ".join(family)
        raise UnknownName(f"there is no {kind} {name!r}", fix=hint)
    module, _, attribute = family[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
