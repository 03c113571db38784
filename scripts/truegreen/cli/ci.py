"""`truegreen ci`: the entry points of the composite actions; not meant for people."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from truegreen.app import (
    attachments,
    carrying,
    changes,
    ci,
    ci_history,
    collecting,
    forks,
    gate,
    image,
    policy,
    publish,
    run,
    services,
    templates,
    unjudged,
)
from truegreen.app import event as events
from truegreen.app import plan as planning
from truegreen.app.shell import EVIDENCE, evidence
from truegreen.cli import common
from truegreen.config import settings as config
from truegreen.errors import EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.app.history import Keeper
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.verdict import Report
    from truegreen.reporters.base import Layout


def plan(namespace: argparse.Namespace) -> int:
    """Write the planned stages and the Python matrix as outputs."""
    shell, settings = _start(namespace)
    policy.load(settings)
    templates.load(settings)
    carrying.check(shell, settings)
    event = events.current(shell)
    chosen = planning.plan(
        event.name,
        on_default_branch=event.on_default_branch,
        is_tag=event.is_tag,
        labels=event.labels,
        only=ci.stages(shell),
        disabled=settings.disabled(),
    )
    events.write_outputs(shell, ci.outputs({"stages": list(chosen.stages), "python": list(ci.pythons(shell))}))
    shell.console.line(f"{event.name}: {', '.join(chosen.stages) or 'no stage'}")
    return 0


def stage(namespace: argparse.Namespace) -> int:
    """Run one stage, judge it, and write its verdict as an output."""
    shell, settings = _start(namespace)
    name = ci.stage(shell)
    chosen = planning.plan("local", only=(name,))
    event = events.current(shell)
    request = run.Request(
        stages=(name,), shard=ci.shard(shell), commit=event.sha, changes=changes.asker(shell, settings)
    )
    with run.alone(shell, settings):
        run.run_stages(shell, settings, request)
        report = gate.judge(shell, settings, chosen, provenance=events.provenance(shell))
    gate.show(shell, report)
    gate.emit_annotations(shell, report)
    events.write_outputs(shell, {"verdict": report.status.value})
    return gate.exit_code(report)


def report(namespace: argparse.Namespace) -> int:
    """Judge all evidence of the run, write summary and outputs, and publish; exit 0 once it has spoken.

    The red belongs to the `result` job, the one required check; this job stays free to publish. What stops it from
    judging, such as a configuration that cannot be read, is published as blind and raised afterwards.
    """
    shell = common.shell(namespace)
    settings = None
    with ExitStack() as opened:
        try:
            settings = config.load(shell.cwd, env=shell.env)
            layouts = templates.usable(settings)
            keeper = opened.enter_context(ci_history.earlier(shell, settings))
            verdict = _written(shell, settings, keeper, layouts)
        except Exception as error:
            unjudged.tell(shell, error, settings)
            raise
        try:
            _tell(shell, settings, verdict, layouts)
        finally:
            keeper.append(verdict)
    return EXIT_OK


def publish_run(namespace: argparse.Namespace) -> int:
    """Publish what the run that started this one left, as hostile data; asks for no project."""
    shell = common.shell(namespace)
    done = forks.publish_run(shell)
    for line in done.lines:
        shell.console.line(line)
    return done.exit_code


def keep_history(namespace: argparse.Namespace) -> int:
    """Add the run that was judged to the history."""
    shell, settings = _start(namespace)
    line = ci_history.keep(shell, settings, _evidence(shell))
    shell.console.line(line)
    return EXIT_OK


def collect_history(namespace: argparse.Namespace) -> int:
    """Collect the history that this run is to be judged with, out of what earlier runs left."""
    shell, settings = _start(namespace)
    line = collecting.collect(shell, settings)
    shell.console.line(line)
    return EXIT_OK


def start_services(namespace: argparse.Namespace) -> int:
    """Start services for a caller's own job and export their variables to its later steps."""
    shell, settings = _start(namespace)
    names = ci.words(shell, "TG_SERVICES")
    if shell.env.get("TG_BACKGROUND") == "true":
        services.background(shell, settings, names, ())
        return 0
    handles = services.up(shell, settings, names)
    events.write_environment(shell, {name: value for handle in handles for name, value in handle.exports.items()})
    return 0


def publish_image(namespace: argparse.Namespace) -> int:
    """Push, sign and verify the judged image; write its digest and the signer's identity as outputs."""
    shell, settings = _start(namespace)
    verdict, record = image.publish(shell, settings, _evidence(shell))
    if record is None:
        gate.show(shell, verdict)
        return gate.exit_code(verdict)
    for signature in record.signatures:
        shell.console.line(f"signed by {signature.method} {signature.identity}: {signature.message}")
    if not all(signature.verified for signature in record.signatures):
        return EXIT_GATE_FAILED
    named = next((signature for signature in record.signatures if signature.identity), None)
    identity, issuer = (named.identity, named.issuer) if named else ("", "")
    events.write_outputs(shell, {"reference": record.pinned, "identity": identity, "issuer": issuer})
    shell.console.line(f"published {record.pinned}")
    return EXIT_OK


def _start(namespace: argparse.Namespace) -> tuple[Shell, Settings]:
    shell = common.shell(namespace)
    python = ci.python(shell.env.get("TG_PYTHON", "")) if namespace.command_ci == "stage" else ""
    assignments = [f'python="{python}"'] if python else []
    return shell, config.load(shell.cwd, assignments=assignments, env=shell.env)


def _evidence(shell: Shell) -> Path:
    return shell.cwd / (shell.env.get("TG_EVIDENCE") or EVIDENCE)


def _written(shell: Shell, settings: Settings, keeper: Keeper, layouts: Mapping[str, Layout]) -> Report:
    """Judge the run, and leave its report for whoever fetches it."""
    folder = evidence(settings.root, gate.REPORT).parent
    verdict = ci_history.told(shell, settings, keeper, _judge_run(shell, settings, keeper))
    verdict = attachments.beside(verdict, _evidence(shell), folder / gate.REPORT)
    gate.write_report(verdict, folder, settings.report.outputs, layouts, shell.console)
    ci_history.leave(settings, verdict, keeper, folder)
    return verdict


def _tell(shell: Shell, settings: Settings, verdict: Report, layouts: Mapping[str, Layout]) -> None:
    gate.show(shell, verdict)
    gate.emit_summary(shell, verdict, layouts)
    try:
        gate.emit_outputs(shell, verdict)
    finally:
        for line in publish.send(shell, verdict, settings).lines:
            shell.console.line(line)


def _judge_run(shell: Shell, settings: Settings, keeper: Keeper) -> Report:
    names = ci.planned(shell)
    chosen = planning.Plan(
        stages=names, not_planned=planning.unplanned(names, events.current(shell).name, settings.disabled())
    )
    folder = _evidence(shell)
    judged = gate.judge(
        shell,
        settings,
        chosen,
        folder=folder,
        provenance=publish.provenance(shell, settings.root),
        history=keeper.load,
        job_problems={**ci.lost_legs(shell, names, folder), **ci.job_problems(shell, names)},
        compare=True,
    )
    failure = "" if names else ci.plan_failure(shell)
    return msgspec.structs.replace(judged, headline=failure) if failure else judged
