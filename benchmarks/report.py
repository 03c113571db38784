"""Reports of very many tests: made beside reading alone, and opened in a browser beside the same page without script.

Run as a program, this file is what is measured: from result files to verdict, summary, annotations and page, or
reading alone.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ingest
import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = 3
RATIO, LIMIT_MB, PAGE_MB, INTERACTIVE_MS = 2.5, 150, 2.0, 1000
FORMS = ("summary", "annotations", "html")
SHOWN = ("summary", "comment", "terminal", "html", "junit", "ctrf", "sarif", "sonar-tests")
FEW, TIMES, UNEVEN, LEAST_S = 250, 8, 1.6, 0.002
"""A report made to be slow, so many times of it, and how much more than so many times as long it may take."""


def made() -> Iterator[measure.Row]:
    """Yield all forms of the report of 500,000 tests in 20 files, in seconds of the processor and growth of memory.

    Then the same with a history that knows each of them, which is read before.
    """
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name) / "results"
        ingest.write(folder, ingest.MANY, 20, 0)
        runs = [[_run(what, folder) for what in ("read", "all", "past")] for _ in range(RUNS)]
    read_s = statistics.median(read[0] for read, _, _ in runs)
    for place, label in ((1, "500,000 tests to reports"), (2, "the same against 30 runs")):
        took = [run[place][0] for run in runs]
        memory = statistics.median(run[place][1] for run in runs)
        note = f"{statistics.median(took) / read_s:.2f} x reading alone; {memory:.0f} MB of at most {LIMIT_MB}"
        row = measure.row(label, RATIO * read_s * 1000, took, note=note)
        yield measure.Row(**{**vars(row), "state": "" if memory <= LIMIT_MB else measure.OVER})


def grown() -> Iterator[measure.Row]:
    """Yield the report whose time grows most when there is eight times as much in it: in proportion, and no more."""
    sys.path[:0] = [str(measure.ROOT / "scripts"), str(measure.ROOT)]
    from tests.support.large_reports import LARGE  # noqa: PLC0415 - needs the paths

    from truegreen import registry  # noqa: PLC0415

    ratio, label, once, many, render = 0.0, "", 0.0, None, None
    for kind, make in LARGE.items():
        little, much = make(FEW), make(FEW * TIMES)
        for name in SHOWN:
            reporter = registry.load("reporter", name)()
            before = min(_shown(reporter.render, little) for _ in range(RUNS))
            # What takes no time tells nothing, and most kinds are in proportion at the first look.
            if before < LEAST_S or (found := _shown(reporter.render, much) / before) <= ratio:
                continue
            ratio, label, once, many, render = found, f"{kind} as {name}", before, much, reporter.render
    times = [_shown(render, many) for _ in range(RUNS)]
    note = f"{label}: {min(times) / once:.1f} x for {TIMES} x as much"
    yield measure.row("the slowest of large reports", once * TIMES * UNEVEN * 1000, times, note=note)


def _shown(render: Any, report: Any) -> float:
    start = time.process_time()
    render(report)
    return time.process_time() - start


def opened() -> Iterator[measure.Row]:
    """Yield when a page of 10,000 tests can be used, beside when the same page without its script is there."""
    sys.path[:0] = [str(measure.ROOT / "scripts"), str(measure.ROOT)]
    try:
        from tests.harness.chromium import find_chromium  # noqa: PLC0415 - needs the paths
        from tests.support import browser  # noqa: PLC0415
    except ImportError as error:
        raise measure.Unavailable(str(error)) from None
    if find_chromium() is None:
        raise measure.Unavailable("there is no Chromium here")
    body = _page()
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name, browser.chromium() as chromium:
        whole, bare = Path(name) / "whole.html", Path(name) / "bare.html"
        whole.write_bytes(body)
        bare.write_bytes(re.sub(rb"(?s)<script>.*?</script>", b"", body))
        times: dict[Path, list[float]] = {whole: [], bare: []}
        for _ in range(RUNS):
            for path, found in times.items():
                with browser.opened(chromium, path) as seen:
                    entry = "performance.getEntriesByType('navigation')[0].domComplete"
                    found.append(seen.page.evaluate(entry) / 1000)
    ratio = statistics.median(times[whole]) / statistics.median(times[bare])
    size_mb = len(body) / 1e6
    note = f"{ratio:.2f} x the page without script; {size_mb:.2f} MB of at most {PAGE_MB}"
    row = measure.row("page of 10,000 tests, usable", INTERACTIVE_MS * ingest.slower(), times[whole], note=note)
    yield measure.Row(**{**vars(row), "state": "" if size_mb <= PAGE_MB else measure.OVER})


def _page() -> bytes:
    from tests.support.known_reports import huge  # noqa: PLC0415 - needs the paths

    from truegreen import registry  # noqa: PLC0415

    body: bytes = registry.load("reporter", "html")().render(huge()).body
    return body


def _run(what: str, folder: Path) -> tuple[float, float]:
    took_s, grown_mb = json.loads(measure.timed([measure.PYTHON, __file__, what, folder])[1])
    return took_s, grown_mb


def against_the_past(folder: Path) -> Callable[[], Any]:
    """Return the same against 30 runs in which each test is known and one in a hundred failed."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.model.history import History, PastFailure, PastRun, PastStage, PastTest  # noqa: PLC0415
    from truegreen.model.testrun import Outcome  # noqa: PLC0415

    tests = [f"tests.unit.test_module_{n // 50:05}.TestThing::test_does_{n}[{n % 7}-x]" for n in range(ingest.MANY)]
    failures = tuple(
        PastFailure(stage="unit", test=tests[n], attempts=(Outcome.FAIL,)) for n in range(6, ingest.MANY, 100)
    )
    stages = (PastStage(stage="unit", status="fail", tests=ingest.MANY),)
    runs = (
        PastRun(commit=f"{n:040x}", created="2026-11-20", status="fail", base=True, stages=stages, failures=failures)
        for n in range(30)
    )
    usual = PastTest(runs=30, base_runs=30, durations_s=(0.1,) * 30)
    return everything(folder, History(runs=tuple(runs), tests={"unit": dict.fromkeys(tests, usual)}))


def everything(folder: Path, history: Any = None) -> Callable[[], Any]:
    """Return reading, merging, judging, and the report in each of its forms."""
    again = ingest.read(folder)
    from truegreen import registry  # noqa: PLC0415 - reading does without
    from truegreen.analysis import detail  # noqa: PLC0415
    from truegreen.gates import judging  # noqa: PLC0415
    from truegreen.model.detail import TrendPoint  # noqa: PLC0415
    from truegreen.model.evidence import RunState, StageRecord, ToolRun  # noqa: PLC0415
    from truegreen.model.history import History  # noqa: PLC0415
    from truegreen.model.run import RunEvidence, StageEvidence  # noqa: PLC0415
    from truegreen.model.verdict import Report  # noqa: PLC0415

    took = (ToolRun(name="pytest", exit_code=1, duration_s=20.0),)
    record = StageRecord(
        stage="unit", state=RunState.RAN, commit="c" * 40, started="2026-11-21T07:00:00Z", tools=took, ingested=True
    )
    known = history or History()
    gates = [registry.load("gate", name)() for name in ("no-failures", "flakiness", "time-budget")]

    def run() -> Any:
        tests = again()[0]
        stage = StageEvidence(stage="unit", records=(record,), tests=tests)
        evidence = RunEvidence(stages=(stage,), planned=("unit",), commit="c" * 40)
        stages = judging.judge(evidence, {}, known, gates=gates)
        status, headline = judging.overall(stages)
        behind = detail.of(evidence, known, TrendPoint(commit="c" * 40))
        report = Report(status=status, headline=headline, stages=stages, detail=behind)
        return [registry.load("reporter", name)().render(report).body for name in FORMS]

    return run


def main(what: str, folder: str) -> int:
    """Print seconds and MB of growth of one measurement."""
    run = {"read": ingest.read, "all": everything, "past": against_the_past}[what](Path(folder))
    before_kb = ingest.peak_kb()
    start = time.process_time()
    kept = run()
    took_s = time.process_time() - start
    print(json.dumps([took_s, (ingest.peak_kb() - before_kb) / 1024]))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
