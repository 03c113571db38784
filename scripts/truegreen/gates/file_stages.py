"""Gate: every file of a change belongs to a stage that looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from truegreen.analysis import paths as patterns
from truegreen.gates.base import RUN, BaseGate, GateOptions, StageName, count, some
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class FileStagesOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.file-stages]`."""

    paths: dict[StageName, list[str]] = msgspec.field(default_factory=dict)
    """Stage → files that it verifies, as patterns of paths relative to the project; empty judges nothing."""
    elsewhere: dict[str, str] = msgspec.field(default_factory=dict)
    """Pattern of files that no stage has to verify → why; a reason must be given."""

    def __post_init__(self) -> None:
        """Refuse an exception without a reason; raises ValueError."""
        if bare := [pattern for pattern, reason in self.elsewhere.items() if not reason.strip()]:
            raise ValueError(f"elsewhere names {bare[0]!r} without a reason")


class _Sorted(NamedTuple):
    """The files of a change, by what becomes of them."""

    by_stage: dict[str, list[str]]
    nowhere: dict[str, str]
    """File → why nobody verifies it."""
    later: dict[str, str]
    """File whose stages are not planned for this event → those stages."""
    elsewhere: dict[str, list[str]]
    """Pattern → files."""


class FileStages(BaseGate):
    """Whatever a change touches, code, configuration or prompt, is the matter of a stage.

    **Proves** that each file that a pull request adds, changes or deletes matches a pattern of `paths`, and so belongs
    to a stage; a file of no stage is red, and so is one whose stages are all switched off. What needs no stage stands
    in `elsewhere`, with the reason. Files whose stages are not planned for the event are listed, and not red: those
    stages run on main or before a release.

    **The map is yours**: without `paths` nothing is judged, for nobody but the project knows that `prompts/` is
    verified end to end. `*` stays inside a folder, `**` crosses folders, a folder means everything below it. Paths are
    relative to the project; files outside it are the matter of other projects of the repository.

    **Blind when** there is a change and nobody can tell what it changes. **Not judged** where there is no change to
    compare with, as on main.

    **Options**: `paths`, from stage to patterns; `elsewhere`, from pattern to reason.

    Example:
        [tool.truegreen.gates.file-stages]
        paths = { unit = ["src", "tests"], lint = [".github"], e2e = ["prompts/**", "compose.yaml"] }
        elsewhere = { "docs" = "read by people", "*.md" = "read by people" }
    """

    id: ClassVar[str] = "file-stages"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[GateOptions]] = FileStagesOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: FileStagesOptions) -> bool:  # noqa: ARG002
        """Return whether the project has a map, and there is a change."""
        return bool(policy.paths) and (evidence.changes is not None or bool(evidence.changes_unknown))

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FileStagesOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge each file of the change."""
        if not policy.paths:
            return self.not_judged(stage, "no map says which stage verifies which file")
        if evidence.changes is None:
            if not evidence.changes_unknown:
                return self.not_judged(stage, "there is no change to compare with")
            reason = f"nobody can tell what the change changes: {evidence.changes_unknown}"
            return self.blind(stage, reason, remedy="fetch the base of the change (`fetch-depth: 0`)")
        found = _sort(evidence, policy)
        number = len({file.path for file in evidence.changes.files})
        facts, items = _facts(found, policy), _items(found)
        if found.nowhere:
            first, why = next(iter(found.nowhere.items()))
            return self.failed(
                stage,
                f"{count(len(found.nowhere), 'changed file')} of no stage: {first}: {why}",
                remedy="name it in `paths` of [tool.truegreen.gates.file-stages], or with the reason in `elsewhere`",
                facts=facts,
                items=items,
            )
        reason = f"each of {count(number, 'changed file')} belongs to a stage" if number else "nothing was changed"
        later = f"; {count(len(found.later), 'file')} of stages that are not planned for this event"
        return self.passed(stage, reason + (later if found.later else ""), facts=facts, items=items)


def _sort(evidence: RunEvidence, policy: FileStagesOptions) -> _Sorted:
    found = _Sorted({}, {}, {}, {})
    of_stages = [(name, tuple(of)) for name, of in policy.paths.items()]
    for file in evidence.changes.files if evidence.changes is not None else ():
        stages: list[str] = [name for name, of in of_stages if patterns.matches(file.path, of)]
        active = [name for name in stages if name not in evidence.switched_off]
        why = next((one for one in policy.elsewhere if patterns.matches(file.path, (one,))), None)
        for name in active:
            found.by_stage.setdefault(name, []).append(file.path)
        if active:
            if not set(active) & set(evidence.planned):
                found.later[file.path] = " and ".join(active)
        elif why is not None:
            found.elsewhere.setdefault(why, []).append(file.path)
        else:
            off = f"{' and '.join(stages)} is switched off"
            found.nowhere[file.path] = off if stages else "no pattern of `paths` matches it"
    return found


def _facts(found: _Sorted, policy: FileStagesOptions) -> tuple[Fact, ...]:
    facts = [Fact(label=name, value=count(len(files), "file")) for name, files in found.by_stage.items()]
    for pattern, files in found.elsewhere.items():
        facts.append(Fact(label=f"elsewhere: {pattern}", value=f"{policy.elsewhere[pattern]} ({some(files)})"))
    return (*facts, Fact(label="of no stage", value=f"{len(found.nowhere):,}", wanted="0"))


def _items(found: _Sorted) -> tuple[Item, ...]:
    items = [Item(title=path, message=why, path=path) for path, why in found.nowhere.items()]
    items += [
        Item(title=path, message=f"its stage is not planned for this event: {stages}", path=path, level="notice")
        for path, stages in found.later.items()
    ]
    return tuple(items)
