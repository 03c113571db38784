"""Every way truegreen can fail: one class a cause, each with code, exit code and remedy.

An error says four things: *what* happened, *where* (file:line or command), *why*, and how to
*fix* it. `truegreen explain CODE` prints the class docstring, so a docstring here is documentation.
"""

from __future__ import annotations

from typing import ClassVar

from truegreen.model.evidence import ErrorRecord

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_EVIDENCE = 3
EXIT_ENGINE = 4
EXIT_BUG = 70


class TruegreenError(Exception):
    """Something failed that truegreen knows how to explain."""

    code: ClassVar[str] = "TG900"
    slug: ClassVar[str] = "error"
    exit_code: ClassVar[int] = EXIT_BUG
    fix_default: ClassVar[str] = ""

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.fix = fix or self.fix_default

    def record(self) -> ErrorRecord:
        """Return the error as data for `stage.json`."""
        return ErrorRecord(
            code=self.code, what=self.what, where=self.where, why=self.why, fix=self.fix, exit_code=self.exit_code
        )

    def lines(self) -> list[str]:
        """Return the message as lines: what, then where, why and fix where known."""
        rows = [f"error {self.code}: {self.what}"]
        rows += [f"  {label}: {text}" for label, text in self._details() if text]
        return rows

    def _details(self) -> list[tuple[str, str]]:
        return [("where", self.where), ("why", self.why), ("fix", self.fix)]


# --- configuration: exit code 2 -------------------------------------------------------------


class ConfigurationError(TruegreenError):
    """The configuration or the command line cannot be used."""

    code = "TG100"
    slug = "configuration"
    exit_code = EXIT_CONFIGURATION
    fix_default = "`truegreen config explain` shows every value and where it comes from"


class ProjectMissing(ConfigurationError):
    """There is no `pyproject.toml` here or in any folder above."""

    code = "TG101"
    slug = "project-missing"
    fix_default = "run truegreen inside a project; where there is none yet: `uv init`, then `truegreen init`"


class ConfigSyntax(ConfigurationError):
    """A configuration file is not valid TOML, or cannot be read."""

    code = "TG102"
    slug = "config-syntax"
    fix_default = "mend the file at the line that is named"


class UnknownKey(ConfigurationError):
    """A key is not known. A misspelt threshold would otherwise be a gate that never closes."""

    code = "TG103"
    slug = "unknown-key"
    fix_default = "`truegreen config explain` lists all keys"


class WrongValue(ConfigurationError):
    """A value has the wrong type, or lies outside its range."""

    code = "TG104"
    slug = "wrong-value"
    fix_default = "`truegreen config explain KEY` shows its type and its default"


class UnknownName(ConfigurationError):
    """A stage, service, gate, reporter, test or error code of that name does not exist."""

    code = "TG105"
    slug = "unknown-name"
    fix_default = "`truegreen doctor --list` lists the names"


class UsageError(ConfigurationError):
    """The command line cannot be understood."""

    code = "TG106"
    slug = "usage"
    fix_default = "see `truegreen --help`"


class InstallFailed(ConfigurationError):
    """The user's project could not be installed the way it says."""

    code = "TG107"
    slug = "install-failed"
    fix_default = "set `install` in [tool.truegreen] to the commands that install the project"


class UnsafeEvent(ConfigurationError):
    """The workflow was started by an event that hands secrets to code nobody reviewed."""

    code = "TG108"
    slug = "unsafe-event"
    fix_default = "start the pipeline on `pull_request`, and publish from a `workflow_run` workflow"


class ProjectTool(ConfigurationError):
    """The project's own environment lacks something a stage needs, such as pytest or pytest-cov."""

    code = "TG109"
    slug = "project-tool"
    fix_default = "add it to the project's dependencies, or to a dependency group that is installed"


class LinkedFolder(ConfigurationError):
    """A part of our own folder `.truegreen` is a symbolic link: what is written there would land elsewhere."""

    code = "TG110"
    slug = "linked-folder"
    fix_default = "remove the link; truegreen makes the folder anew"


class TemplateUnusable(ConfigurationError):
    """A template of the summary or the comment cannot be read, or names what no template knows."""

    code = "TG111"
    slug = "template"
    fix_default = "mend the file at the line that is named; docs/report.md says what a template can hold"


# --- evidence: exit code 3 --------------------------------------------------------------------


class EvidenceError(TruegreenError):
    """Evidence is missing or cannot be trusted; the verdict is blind."""

    code = "TG200"
    slug = "evidence"
    exit_code = EXIT_EVIDENCE
    fix_default = "run the stage again"


class EvidenceMissing(EvidenceError):
    """A file a stage promised is not there."""

    code = "TG201"
    slug = "evidence-missing"
    fix_default = "run the stage again; its log says why the file was not written"


class EvidenceUnreadable(EvidenceError):
    """A file of evidence is truncated, malformed, over a limit, or hostile."""

    code = "TG202"
    slug = "evidence-unreadable"
    fix_default = "run the stage again; if the file is written by another tool, check that tool"


class EvidenceChanged(EvidenceError):
    """A file no longer has the digest it had when its stage ended."""

    code = "TG203"
    slug = "evidence-changed"
    fix_default = "do not edit evidence; run the stage again"


class EvidenceStale(EvidenceError):
    """Evidence belongs to another commit than the one being judged."""

    code = "TG204"
    slug = "evidence-stale"
    fix_default = "run the stage again on this commit"


class EvidencePartial(EvidenceError):
    """Evidence is there, but does not cover everything it claims."""

    code = "TG205"
    slug = "evidence-partial"
    fix_default = "run the stage again; its log says what was left out"


# --- engine, services, forge, network: exit code 4 ---------------------------------------------


class EngineError(TruegreenError):
    """Something outside the project's code did not work."""

    code = "TG300"
    slug = "engine"
    exit_code = EXIT_ENGINE
    fix_default = "the log says what did not work; mend that, or run it again"


class ServiceNotReady(EngineError):
    """A service did not start, or did not answer its protocol probe in time."""

    code = "TG301"
    slug = "service-not-ready"
    fix_default = "read the service's log; raise its `timeout-s` if it only needs longer"


class PortInUse(EngineError):
    """A port that a service or process must listen on is taken."""

    code = "TG302"
    slug = "port-in-use"
    fix_default = "stop what listens there, or choose another port"


class EngineMissing(EngineError):
    """No container engine answers, and the stage cannot run without one."""

    code = "TG303"
    slug = "engine-missing"
    fix_default = "start a container engine, or choose a provider that needs none"


class ToolMissing(EngineError):
    """A tool is not on PATH and could not be installed from its registry."""

    code = "TG304"
    slug = "tool-missing"
    fix_default = "install it, or put it on PATH"


class ToolFailed(EngineError):
    """A tool ended in a way that is neither clean nor a finding."""

    code = "TG305"
    slug = "tool-failed"
    fix_default = "run the command by hand to see all it says"


class TimedOut(EngineError):
    """A program did not end within its time limit and was killed, with all of its group.

    What it started in a session of its own (`start_new_session`) is not of its group, and may live on.
    """

    code = "TG306"
    slug = "timed-out"
    fix_default = "see in its log what it did last; raise the time limit it names only if it needs longer by nature"


class ProcessNotReady(EngineError):
    """A process of the application ended early, or did not become ready in time."""

    code = "TG307"
    slug = "process-not-ready"
    fix_default = "read the process's log; raise its `timeout-s` if it only needs longer"


class Interrupted(EngineError):
    """The run was interrupted; services were stopped and evidence so far was kept."""

    code = "TG308"
    slug = "interrupted"
    fix_default = "run it again"


class FileUnusable(EngineError):
    """A file or folder of truegreen's own cannot be used: the disk is full, or access is denied."""

    code = "TG309"
    slug = "file-unusable"
    fix_default = "make the folder writable and see to free space; for the cache, TRUEGREEN_CACHE names another folder"


class RunInProgress(EngineError):
    """Another run works in the same project; two at once would overwrite each other's evidence."""

    code = "TG310"
    slug = "run-in-progress"
    fix_default = "wait for it, or end it; several runs at once need a checkout each"


class ForgeRefused(EngineError):
    """The forge refused a request."""

    code = "TG401"
    slug = "forge-refused"
    fix_default = "check that the token may do this"


class ForgeUnreachable(EngineError):
    """The forge could not be reached, or kept failing."""

    code = "TG402"
    slug = "forge-unreachable"
    fix_default = "run the job again"


class DeliveryFailed(EngineError):
    """A notification was not accepted."""

    code = "TG403"
    slug = "delivery-failed"
    fix_default = "check the address in the notifier's secret"


class StoreError(EngineError):
    """The history store cannot be read or written."""

    code = "TG404"
    slug = "store"
    fix_default = "check that the store is there and may be written"


class StoreDamaged(StoreError):
    """The history store holds something that truegreen did not write; a run keeps it aside and begins anew."""

    code = "TG406"
    slug = "store-damaged"
    fix_default = "restore it from a copy"


class ExtraMissing(EngineError):
    """A command needs an optional dependency that is not installed."""

    code = "TG405"
    slug = "extra-missing"
    fix_default = "install truegreen with the extra that is named"


# --- ours: exit code 70 --------------------------------------------------------------------------


class InternalError(TruegreenError):
    """A bug in truegreen itself."""

    code = "TG900"
    slug = "internal"
    fix_default = "please report it with the log; run again with TRUEGREEN_TRACEBACK=1 to see where"


def all_errors() -> dict[str, type[TruegreenError]]:
    """Return every concrete error class by code, ordered by code."""
    found: dict[str, type[TruegreenError]] = {}
    pending: list[type[TruegreenError]] = [TruegreenError]
    while pending:
        cls = pending.pop()
        pending.extend(cls.__subclasses__())
        if cls is not TruegreenError:
            found[cls.code] = cls
    return dict(sorted(found.items()))
