"""The application as processes: real programs, real ports, real signals."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.stage_contexts import stage_context

from truegreen.config.schema import ProcessOptions
from truegreen.errors import ConfigurationError, PortInUse, ProcessNotReady, ToolFailed, ToolMissing
from truegreen.runtime import net
from truegreen.stages.common import stack
from truegreen.stages.common.options import StackOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext

WEB = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(7)
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ.get("MARK", "none").encode())
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("listening", flush=True)
server.serve_forever()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "web.py").write_text(WEB)
    (tmp_path / "migrate.py").write_text("open('migrated', 'w').write('yes')\n")
    return tmp_path


def web(**changes: object) -> ProcessOptions:
    values: dict[str, object] = {
        "command": [sys.executable, "web.py", "{port}"],
        "ready": "http://127.0.0.1:{port}/",
        "export": {"BASE_URL": "http://127.0.0.1:{port}"},
    }
    return ProcessOptions(**{**values, **changes})  # type: ignore[arg-type]


def context(
    project: Path, processes: dict[str, ProcessOptions], *, shown: io.StringIO | None = None, **options: object
) -> StageContext:
    return stage_context(
        project,
        StackOptions(mode="processes", **options),  # type: ignore[arg-type]
        processes=processes,
        env={"TRUEGREEN_CACHE": str(project / "cache")},
        shown=shown,
    )


def test_processes_ready_exported_and_stopped_in_reverse(project: Path) -> None:
    shown = io.StringIO()
    processes = {
        "migrate": ProcessOptions(command=[sys.executable, "migrate.py"], once=True),
        "web": web(env={"MARK": "port-{port}"}),
        "worker": ProcessOptions(
            command=[
                sys.executable,
                "-c",
                "import os, time; print('got', os.environ['BASE_URL'], flush=True); time.sleep(60)",
            ],
            ready="log:got http://",
        ),
    }
    stage = context(project, processes, shown=shown)
    with stack.running(stage, stage.env) as running:
        url = running.exports["BASE_URL"]
        with urllib.request.urlopen(url, timeout=5) as reply:
            assert reply.read().decode() == f"port-{url.rpartition(':')[2]}"
        assert (project / "migrated").read_text() == "yes"
        assert any("processes (as configured)" in note for note in running.notes)
        assert running.tools[0].name == "migrate"
        assert running.tools[0].exit_code == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
    stopped = [line.split()[2] for line in shown.getvalue().splitlines() if "stopped" in line]
    assert stopped == ["worker", "web"]
    assert "got http://" in (stage.out / "stack" / "worker.log").read_text()


def test_process_that_ends_early_is_not_ready_with_its_log(project: Path) -> None:
    code = "import sys; print('cannot reach the database'); sys.exit(3)"
    stage = context(project, {"api": ProcessOptions(command=[sys.executable, "-c", code], ready="log:never")})
    with pytest.raises(ProcessNotReady) as caught, stack.running(stage, stage.env):
        pass
    assert "api ended with 3" in caught.value.what
    assert "cannot reach the database" in caught.value.why


def test_process_without_readiness_that_dies_within_a_second_is_not_ready(project: Path) -> None:
    stage = context(project, {"api": ProcessOptions(command=[sys.executable, "-c", "raise SystemExit(0)"])})
    with pytest.raises(ProcessNotReady, match="ended with 0 before it was ready"), stack.running(stage, stage.env):
        pass


def test_process_not_ready_in_time_says_what_was_seen(project: Path) -> None:
    stage = context(
        project,
        {
            "web": web(
                ready="http://127.0.0.1:{port}/",
                command=[sys.executable, "-c", "import time; time.sleep(30)"],
                timeout_s=0.6,
            )
        },
    )
    with pytest.raises(ProcessNotReady) as caught, stack.running(stage, stage.env):
        pass
    assert "was not ready after 0.6 s" in caught.value.what
    assert "refused" in caught.value.why


def test_one_shot_that_fails_stops_the_start(project: Path) -> None:
    processes = {
        "migrate": ProcessOptions(command=[sys.executable, "-c", "raise SystemExit('no such table')"], once=True),
        "web": web(),
    }
    stage = context(project, processes)
    with pytest.raises(ProcessNotReady, match="migrate ended with 1") as caught, stack.running(stage, stage.env):
        pass
    assert "no such table" in caught.value.why
    assert not (stage.out / "stack" / "web.log").exists()


def test_fixed_port_in_use_is_named(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stage = context(project, {"web": web(port=port)})
        with pytest.raises(PortInUse, match=str(port)), stack.running(stage, stage.env):
            pass


def test_program_that_does_not_exist_is_missing_and_others_are_stopped(project: Path) -> None:
    port = net.free_port()
    stage = context(project, {"web": web(port=port), "worker": ProcessOptions(command=["no-such-program-here"])})
    with pytest.raises(ToolMissing), stack.running(stage, stage.env):
        pass
    assert "listening" in (stage.out / "stack" / "web.log").read_text()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_process_that_dies_during_the_tests_fails_the_stage(project: Path) -> None:
    stage = context(project, {"web": web()})
    with (  # noqa: PT012 - the error comes at the end of the block
        pytest.raises(ProcessNotReady, match="ended during the e2e stage") as caught,
        stack.running(stage, stage.env) as running,
    ):
        with pytest.raises(OSError, match="Remote end closed"):
            urllib.request.urlopen(f"{running.exports['BASE_URL']}/die", timeout=5)
        time.sleep(0.2)
    assert "process web ended with 7" in caught.value.why


def test_prepare_command_sees_the_exports_and_its_failure_is_told(project: Path) -> None:
    check = f"{sys.executable} -c \"import os; open('seen', 'w').write(os.environ['BASE_URL'])\""
    stage = context(project, {"web": web()}, prepare=[check])
    with stack.running(stage, stage.env) as running:
        assert (project / "seen").read_text() == running.exports["BASE_URL"]
    stage = context(project, {"web": web()}, prepare=[f"{sys.executable} -c \"raise SystemExit('seed failed')\""])
    with pytest.raises(ToolFailed) as caught, stack.running(stage, stage.env):
        pass
    assert "seed failed" in caught.value.why


def test_child_that_ignores_sigterm_is_killed(project: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    stage = context(project, {"stubborn": ProcessOptions(command=[sys.executable, "-c", code], ready="log:up")})
    start = time.monotonic()
    with stack.running(stage, stage.env):
        pass
    assert time.monotonic() - start < 20


def test_processes_of_a_killed_run_are_swept_by_the_next(project: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from tests.integration.stack.test_process_stack import context, web
        from truegreen.stages.common import stack
        stage = context(Path(sys.argv[1]), {"web": web()})
        with stack.running(stage, stage.env) as running:
            print(running.exports["BASE_URL"], flush=True)
            import time; time.sleep(60)
        """
    )
    root = Path(__file__).parents[3]
    env = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'scripts'}"}
    first = subprocess.Popen([sys.executable, "-c", script, str(project)], stdout=subprocess.PIPE, text=True, env=env)
    assert first.stdout is not None
    port = int(first.stdout.readline().strip().rpartition(":")[2])
    first.send_signal(signal.SIGKILL)
    first.wait()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) == 0, "the orphan should still be listening"
    stage = context(project, {"web": web()})
    with stack.running(stage, stage.env) as running:
        assert any("left behind" in note for note in running.notes)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_signal_while_processes_are_stopped_leaves_none(project: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from tests.integration.stack.test_process_stack import context, web
        from truegreen import __main__ as program
        from truegreen.config.schema import ProcessOptions
        from truegreen.runtime import interrupts
        from truegreen.stages.common import stack
        program._catch_signals(interrupts.interrupt)
        # It is asked to end before the other one, tells us so by the signal, and takes its time.
        last = "import os, signal, time; "
        last += "signal.signal(15, lambda *_: (os.kill(os.getppid(), 15), time.sleep(1), exit()))"
        last += "; print('up', flush=True); time.sleep(60)"
        stage = context(
            Path(sys.argv[1]),
            {"web": web(), "last": ProcessOptions(command=[sys.executable, "-c", last], ready="log:up")},
        )
        try:
            with stack.running(stage, stage.env) as running:
                port = int(running.exports["BASE_URL"].rpartition(":")[2])
        except KeyboardInterrupt:
            print("interrupted", port, flush=True)
        """
    )
    root = Path(__file__).parents[3]
    env = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'scripts'}"}
    argv = [sys.executable, "-c", script, str(project)]
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False, timeout=60)
    word, port = done.stdout.split()[-2:]
    assert word == "interrupted", done.stderr
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_nothing_to_start_is_a_configuration_error(project: Path) -> None:
    stage = stage_context(project, StackOptions())
    assert not stack.startable(stage)
    with pytest.raises(ConfigurationError, match="nothing to start"), stack.running(stage, stage.env):
        pass
