"""Reports in which there is very much of one thing: a report that somebody made up may be made to take long."""

from __future__ import annotations

from tests.support import evidence as good
from tests.support.known_reports import ORIGIN

from truegreen.model.detail import Comparison, Detail, Named, Several, StageFindings, StageTests, TrendPoint
from truegreen.model.evidence import ServiceRecord, ToolRun
from truegreen.model.verdict import Fact, Item, KeptFile, LogTail, Report, StageReport, Status, Verdict

TEXTS = {"joiners": "\u200d", "line ends": "\n", "escapes": "\x1b[", "definitions": "def a(\n", "frames": "E  x\n"}


def _report(*stages, detail=None):
    return Report(status=Status.FAIL, headline="red", provenance=ORIGIN, stages=stages, detail=detail)


def _stage(number=0, *verdicts, **more):
    return StageReport(stage=f"s{number}", status=Status.FAIL, verdicts=verdicts, **more)


def _verdict(gate="g", reason="red", status=Status.FAIL, **more):
    return Verdict(gate=gate, stage="s0", status=status, reason=reason, **more)


def _items(count, **more):
    return tuple(Item(title=f"a.py::test_{n}", message=f"ValueError: {n}", path="a.py", **more) for n in range(count))


def _alike(count):
    return tuple(
        Item(title=f"t{n}", message="ValueError: x", detail="a.py:3: in f", shard=f"{n}") for n in range(count)
    )


def _tests(stage, names):
    return StageTests(
        stage=stage, total=len(names), names=names, outcomes="f" * len(names), durations_s=(1.0,) * len(names)
    )


def _named(count):
    return Several(total=count, named=tuple(Named(stage="s0", test=f"a.py::test_{n}") for n in range(count)))


def _left(count):
    name = "a-" * 100
    return tuple(
        KeptFile(path=f"{name}{n}.png", kind="x", sha256="0" * 64, size_bytes=1, attachment=f"attachments/{n}")
        for n in range(count)
    )


def _text(value):
    def make(count):
        text = (value * count * 10)[: count * 10]
        item = Item(title=text, message=text, detail=text, path=text)
        return _report(_stage(0, _verdict("no-failures", text, items=(item,)), notes=(text,)))

    return make


def _findings(number):
    return StageFindings(stage=f"s{number}", total=1, findings=(good.finding(rule=f"F{number}"),))


LARGE = {
    "notes": lambda n: _report(_stage(notes=tuple(f"note {i}" for i in range(n)))),
    "failures": lambda n: _report(_stage(0, _verdict("no-failures", items=_items(n)))),
    "failures alike": lambda n: _report(_stage(0, _verdict("no-failures", items=_alike(n)))),
    "items": lambda n: _report(_stage(0, _verdict(items=_items(n, detail="x\n" * 20)))),
    "waivers": lambda n: _report(_stage(0, _verdict("waivers", status=Status.PASS, items=_items(n, level="notice")))),
    "facts": lambda n: _report(_stage(0, _verdict(facts=tuple(Fact(label=f"{i}", value="v") for i in range(n))))),
    "verdicts": lambda n: _report(_stage(0, *(_verdict(f"g{i}", f"r{i}") for i in range(n)))),
    "waived": lambda n: _report(_stage(0, *(_verdict(f"g{i}", f"r{i}", Status.WAIVED) for i in range(n)))),
    "red stages": lambda n: _report(*(_stage(i, _verdict(reason=f"r{i}")) for i in range(n))),
    "services": lambda n: _report(_stage(services=tuple(ServiceRecord(name=f"p{i}", provider="e") for i in range(n)))),
    "programs": lambda n: _report(
        _stage(tools=tuple(ToolRun(name=f"p{i}", exit_code=0, duration_s=1.0) for i in range(n)))
    ),
    "logs": lambda n: _report(_stage(0, _verdict(), logs=tuple(LogTail(service=f"s{i}", text="x") for i in range(n)))),
    "files that tests left": lambda n: _report(_stage(0, _verdict("no-failures", items=_items(n)), files=_left(n))),
    "tests of many stages": lambda n: _report(
        *(_stage(i, _verdict("no-failures", items=_items(1))) for i in range(n)),
        detail=Detail(tests=tuple(_tests(f"s{i}", (f"a.py::test_{i}",)) for i in range(n))),
    ),
    "tests and failures": lambda n: _report(
        _stage(0, _verdict("no-failures", items=_items(n))),
        detail=Detail(tests=(_tests("s0", tuple(f"a.py::test_{i}" for i in range(n))),)),
    ),
    "changes of many stages": lambda n: _report(
        *(_stage(i, _verdict("no-failures", items=_items(1))) for i in range(n)),
        detail=Detail(comparison=Comparison(base=TrendPoint(commit="c"), newly_failing=_named(n), fixed=_named(n))),
    ),
    "findings of many stages": lambda n: _report(
        *map(_stage, range(n)), detail=Detail(findings=tuple(map(_findings, range(n))))
    ),
    **{f"text of {name}": _text(value) for name, value in TEXTS.items()},
}
"""Kind → report with so much of it."""
