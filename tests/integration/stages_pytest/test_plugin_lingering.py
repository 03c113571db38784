"""What outlives its test is no evidence for the next one, and threads and processes that do no harm are not named."""

from __future__ import annotations

import subprocess
import textwrap

import msgspec
import pytest

from truegreen.model.persistence import PersistenceEvidence
from truegreen.stages.common import watch
from truegreen.stages.common.recorder import Recorder

pytest_plugins = ["pytester"]

HEAD = """
import asyncio, concurrent.futures, functools, http.server, multiprocessing, pathlib, queue, subprocess, sys
import threading, time, unittest, urllib.request
import pytest

def write(name):
    pathlib.Path("kept", name).write_text("x")

def program(text):
    return subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def start(target, *args):
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread
"""


@pytest.fixture
def recorded(session, pytester, tmp_path):
    """What a recorder saw in the folder `kept` while a session ran: the evidence, and the notes of the report."""
    folder = pytester.mkdir("kept")
    store = watch.of_service(watch.folder("kept", folder.parent))

    def run(text):
        recorder = Recorder((store,), tmp_path)
        with recorder.listening() as address:
            result, _ = session(HEAD + textwrap.dedent(text), TRUEGREEN_RECORDER=str(address))
        assert result.ret == 0, result.stdout.str()
        evidence = msgspec.json.decode((tmp_path / store.file).read_bytes(), type=PersistenceEvidence)
        assert evidence.complete, evidence.problem
        return evidence, recorder.notes

    return run


def written(evidence, test):
    return {
        phase.phase: {change.object for change in phase.committed}
        for phase in evidence.phases
        if phase.test.endswith(test) and phase.committed
    }


def named(evidence):
    return {one.test.rpartition("::")[2]: one.what for one in evidence.beside}


# Begins in the first test, and writes while the second one is called, which only waits for that.
NEXT = """
CALLED = []

def test_b():
    CALLED.append(True)
    pathlib.Path("called").touch()
    while not pathlib.Path("kept", "late").exists():
        time.sleep(0.01)
    time.sleep(0.3)
"""
PROGRAM = """import pathlib, time
while not pathlib.Path("called").exists():
    time.sleep(0.05)
pathlib.Path("kept", "late").write_text("x")
"""
LATE = {
    "a thread that sleeps": """
        def late():
            while not CALLED:
                time.sleep(0.05)
            write("late")

        def test_a(): start(late)
        """,
    "a thread that waits for an event with a limit": """
        def late():
            while not CALLED:
                threading.Event().wait(0.05)
            write("late")

        def test_a(): start(late)
        """,
    "a timer": """
        def test_a(): threading.Timer(4, write, ["late"]).start()
        """,
    "a timer that starts the next one": """
        def again():
            if CALLED:
                write("late")
            else:
                threading.Timer(0.2, again).start()

        def test_a(): again()
        """,
    "a job in a pool": """
        POOL = concurrent.futures.ThreadPoolExecutor(1)

        def late():
            while not CALLED:
                time.sleep(0.05)
            write("late")

        def test_a(): POOL.submit(late)
        """,
    "a thread that ends while it waits inside a library": """
        async def late():
            while not CALLED:
                await asyncio.sleep(0.05)
            write("late")

        def test_a(): start(lambda: asyncio.run(late()))
        """,
    "a thread that goes on, of a TestCase": """
        def sweep():
            while not CALLED:
                time.sleep(0.05)
            write("late")
            time.sleep(1)

        class TestIt(unittest.TestCase):
            def test_a(self): start(sweep)
        """,
    "a process": f"def test_a(): program({PROGRAM!r})\n",
    "a process that goes on": f"def test_a(): program({PROGRAM + 'time.sleep(2)'!r})\n",
    "a process that was forked": f"""
        def test_a(): multiprocessing.get_context("fork").Process(target=exec, args=({PROGRAM!r},)).start()
        """,
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_thread_that_writes_while_a_later_test_is_called_is_named(recorded, late):
    evidence, notes = recorded(
        NEXT.replace("def test_b", "def later") + textwrap.dedent(late) + "def test_b(): later()\n"
    )
    assert written(evidence, "test_b") == {"call": {"late"}}
    (what,) = named(evidence).values()
    assert set(named(evidence)) == {"test_b"}
    assert "test_a left running" in what
    assert "(test_it.py:" in what if what.startswith("thread ") else what.startswith("process ")
    assert any(note.startswith("went on after its test: ") for note in notes)


def test_thread_that_ends_soon_is_waited_for_and_writes_for_nobody(recorded):
    evidence, notes = recorded(
        """
        def late():
            time.sleep(0.3)
            write("late")

        def test_a(): start(late)
        def test_b(): time.sleep(0.6)
        """
    )
    assert written(evidence, "test_a") == {"teardown": {"late"}}
    assert written(evidence, "test_b") == {}
    assert named(evidence) == {}
    assert not any("went on" in note for note in notes)


def test_test_is_not_waited_for_after_which_none_comes(recorded):
    evidence, _ = recorded("def test_a():\n    write('own')\n    start(time.sleep, 0.4)\n")
    assert named(evidence) == {}


def test_thread_that_sleeps_all_the_time_disturbs_no_test(recorded):
    evidence, notes = recorded(
        """
        def late():
            time.sleep(4)
            write("late")

        def test_a(): start(late)
        def test_b(): write("own")
        def test_c():
            while not pathlib.Path("kept", "late").exists():
                time.sleep(0.01)
        """
    )
    assert written(evidence, "test_b") == {"call": {"own"}}
    assert set(named(evidence)) == {"test_c"}
    assert len([note for note in notes if "went on after its test" in note]) == 1


def test_only_the_last_attempt_at_a_test_is_judged(recorded, pytester):
    pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            if item.name == "test_b":
                runtestprotocol(item, nextitem=nextitem, log=False)
        """
    )
    evidence, _ = recorded(
        textwrap.dedent(
            """
            def late():
                while not CALLED:
                    time.sleep(0.05)

            CALLED, THREADS = [], []
            def test_a(): THREADS.append(start(late))
            def test_b():
                CALLED.append(True)
                THREADS[0].join()
            def test_c(): pass
            """
        )
    )
    assert named(evidence) == {}


HARMLESS = {
    "a pool that is used again": """
        POOL = concurrent.futures.ThreadPoolExecutor(2)

        @pytest.mark.parametrize("number", range(3))
        def test_it(number): POOL.submit(write, str(number)).result()
        """,
    "a worker that takes jobs from a queue": """
        JOBS = queue.Queue()

        def work():
            while (job := JOBS.get()) is not None:
                write(job)
                JOBS.task_done()

        @functools.cache
        def worker(): return start(work)

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            worker()
            JOBS.put(str(number))
            JOBS.join()
        """,
    "a server that a test starts for all": """
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                write(self.path[1:])
                self.send_response(204)
                self.end_headers()

        def serve(server): server.serve_forever()

        @functools.cache
        def server():
            made = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            start(serve, made)
            return made

        @pytest.mark.parametrize("number", range(3))
        def test_it(number): urllib.request.urlopen(f"http://127.0.0.1:{server().server_port}/{number}").close()
        """,
    "a loop in a thread": """
        @functools.cache
        def loop():
            made = asyncio.new_event_loop()
            start(made.run_forever)
            return made

        async def save(name):
            await asyncio.sleep(0.01)
            write(name)

        @pytest.mark.parametrize("number", range(3))
        def test_it(number): asyncio.run_coroutine_threadsafe(save(str(number)), loop()).result()
        """,
    "what a fixture starts": """
        def sweep(stop):
            while not stop.is_set():
                time.sleep(0.005)

        @pytest.fixture(scope="module", autouse=True)
        def sweeper():
            stop = threading.Event()
            thread = start(sweep, stop)
            yield
            stop.set()
            thread.join()

        def sweep_awhile():
            for _ in range(400):
                time.sleep(0.005)

        @pytest.fixture(scope="module")
        def late(): return start(sweep_awhile)

        @pytest.mark.parametrize("number", range(3))
        def test_it(number, request):
            request.getfixturevalue("late")
            time.sleep(0.02)
            write(str(number))
        """,
    "what the setUp of a TestCase starts beside what an earlier test left": """
        def sweep(stop):
            while not stop.is_set():
                time.sleep(0.005)

        class TestIt(unittest.TestCase):
            def setUp(self):
                self.stop = threading.Event()
                self.thread = start(sweep, self.stop)
                time.sleep(0.02)

            def tearDown(self):
                self.stop.set()
                self.thread.join()

            def test_0(self):
                start(http.server.HTTPServer(("127.0.0.1", 0), None).serve_forever, 0.005)
                write("0")

            def test_1(self): time.sleep(0.02), write("1")

            def test_2(self): time.sleep(0.02), write("2")
        """,
    "what a test ends itself": """
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            thread = start(write, str(number))
            thread.join()
        """,
    "a process that waits for something to do": """
        @functools.cache
        def worker():
            return program(
                "import pathlib, sys\\n"
                "for line in sys.stdin: print(pathlib.Path('kept', line.strip()).write_text('x'), flush=True)"
            )

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            worker().stdin.write(f"{number}\\n")
            worker().stdin.flush()
            worker().stdout.readline()
        """,
    "a process of a fixture": """
        @pytest.fixture(scope="module", autouse=True)
        def busy():
            with program("import time\\nwhile True: time.sleep(0.005)") as process:
                yield
                process.kill()

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            time.sleep(0.02)
            write(str(number))
        """,
    "a process that its test ends": """
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            subprocess.run([sys.executable, "-c", f"open('kept/{number}', 'w').write('x')"], check=True)
        """,
    "what keeps a connection of a library alive": """
        @functools.cache
        def heart(): return start(http.server.HTTPServer(("127.0.0.1", 0), None).serve_forever, 0.005)

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            heart()
            time.sleep(0.02)
            write(str(number))
        """,
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_thread_that_does_no_harm_is_not_named(recorded, text):
    evidence, _ = recorded(text)
    assert evidence.beside == ()
    calls = [phase for phase in evidence.phases if phase.phase == "call"]
    assert [{change.object for change in phase.committed} for phase in calls] == [{"0"}, {"1"}, {"2"}]


def test_session_leaves_subprocess_as_it_was_also_where_a_test_replaces_what_is_inside(recorded):
    before = subprocess.Popen.__init__
    recorded(
        """
        def test_it(monkeypatch):
            monkeypatch.setattr(subprocess.Popen, "_execute_child", lambda *_: None)
            assert subprocess.Popen(["true"]) is not None
            write("own")
        """
    )
    assert subprocess.Popen.__init__ is before
