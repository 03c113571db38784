"""The console: foreign text stays text, groups in CI, a clock on a terminal."""

from __future__ import annotations

import io
import json
import re
import shlex
import threading
import time
from html.parser import HTMLParser
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import pytest
from tests.support.hostile import CORPUS
from tests.support.runner_commands import COMMANDING, obeyed

from truegreen.runtime.console import COMMANDS, JSON, SHELL, Console, neutral


def xml_read(document):
    root = ET.fromstring(document)
    return root.text, root.attrib


def html_read(document):
    found = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.handle_starttag = lambda tag, attrs: found.append((tag, attrs))
    parser.feed(document)
    parser.close()
    return [one for one in found if not isinstance(one, str)], "".join(filter(lambda one: isinstance(one, str), found))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain é 日本\tx", "plain é 日本\tx"),
        ("::error::owned", "\u200b::error::owned"),
        ("  \t::error::owned", "  \t\u200b::error::owned"),
        ("\u2003::error::owned", "\u2003\u200b::error::owned"),
        ("a\n::error::owned", "a\n\u200b::error::owned"),
        ("a\r::error::owned", "a\n\u200b::error::owned"),
        ("a\r\n::error::owned", "a\n\u200b::error::owned"),
        ("a ::error::b", "a ::error::b"),
        ("##[error]owned", "##\u200b[error]owned"),
        ("FAILED ##[add-mask]a ##[group]", "FAILED ##\u200b[add-mask]a ##\u200b[group]"),
        ("###[error]", "###\u200b[error]"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\x00\x07\x08\x7f\x9b2K", "a\\u0000\\u0007\\u0008\\u007f\\u009b2K"),
        ("\x0b\x0c\x85", "\\u000b\\u000c\\u0085"),
        ("\u202eexe.gnp\u2066", "\\u202eexe.gnp\\u2066"),
    ],
)
def test_neutral_text_cannot_command_or_hide(text, wanted):
    assert neutral(text) == wanted


@pytest.mark.parametrize("write", [Console.line, lambda console, text: console.error([text, text])])
@pytest.mark.parametrize("text", CORPUS)
def test_written_text_is_neutralised_and_on_standard_error(write, text):
    out, err = io.StringIO(), io.StringIO()
    write(Console(out=out, err=err, ci=True), text)
    assert out.getvalue() == ""
    shown = err.getvalue()
    assert shown.endswith("\n")
    assert "##[" not in shown
    assert not any(row.lstrip().startswith("::") for row in shown.split("\n"))
    assert not set(shown) & set("\x1b\x00\x07\r\u202e")


def test_result_goes_to_standard_output_with_one_line_end():
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err)
    console.result(json.dumps({"a": "::x"}), JSON)
    console.result("::error::kept\n", COMMANDS)
    assert (out.getvalue(), err.getvalue()) == ('{"a": "::x"}\n::error::kept\n', "")


UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")
READERS = {
    JSON: (json.dumps, json.loads),
    "application/sarif+json": (lambda text: json.dumps([text, {text: 1}], indent=2, ensure_ascii=False), json.loads),
    "application/xml": (lambda text: f"<a b={quoteattr(text)}>{escape(text)}</a>", xml_read),
    "text/html": (lambda text: f"<pre title={quoteattr(text)}>\n{escape(text)}</pre>", html_read),
    SHELL: (lambda text: f"export A={shlex.quote(text)}", shlex.split),
}


@pytest.mark.parametrize("media_type", READERS)
@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize("ci", [True, False])
def test_result_of_hostile_text_holds_no_command_and_reads_as_it_was(media_type, text, ci):
    write, read = READERS[media_type]
    document = write(UNWRITABLE.sub("", text))
    out = io.StringIO()
    Console(out=out, ci=ci).result(document, media_type)
    assert obeyed(out.getvalue()) == []
    assert read(out.getvalue()) == read(f"{document}\n")


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "of/nobody"])
@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
def test_result_for_people_holds_no_command(media_type, text):
    out = io.StringIO()
    Console(out=out).result(text, media_type)
    assert obeyed(out.getvalue()) == []


def test_result_of_a_megabyte_of_line_ends_is_quick():
    start = time.process_time()
    assert neutral("\n" * 1_000_000 + "::x").endswith("\n\u200b::x")
    assert time.process_time() - start < 5


def test_streams_are_those_of_the_process_unless_given(capsys):
    console = Console()
    console.result("out")
    console.line("err")
    assert capsys.readouterr() == ("out\n", "err\n")


def test_line_without_text_is_an_empty_line():
    err = io.StringIO()
    Console(err=err).line()
    assert err.getvalue() == "\n"


def test_quiet_shows_results_and_errors_only():
    out, err = io.StringIO(), Terminal()
    console = Console(out=out, err=err, quiet=True, progress_after_s=0.01)
    console.line("hidden")
    with console.group("hidden"), console.working("hidden"):
        time.sleep(0.05)
    assert err.getvalue() == ""
    console.result("shown")
    console.error(["error TG100: x", "  fix: y"])
    assert (out.getvalue(), err.getvalue()) == ("shown\n", "error TG100: x\n  fix: y\n")


def test_group_in_ci_folds_and_closes_even_on_failure():
    err = io.StringIO()
    console = Console(err=err, ci=True)

    def failing():
        with console.group("unit\n::error::owned"):
            console.line("inside")
            raise ValueError

    with pytest.raises(ValueError):
        failing()
    assert err.getvalue() == "::group::unit\n\u200b::error::owned\ninside\n::endgroup::\n"


def test_group_elsewhere_is_a_heading():
    err = io.StringIO()
    console = Console(err=err)
    with console.group("::unit"):
        console.line("inside")
    assert err.getvalue() == "\n\u200b::unit\ninside\n"


@pytest.mark.parametrize(("ci", "wanted"), [(True, "::notice::x\n"), (False, "")])
def test_command_is_written_in_ci_only(ci, wanted):
    err = io.StringIO()
    Console(err=err, ci=ci).command("::notice::x")
    assert err.getvalue() == wanted


@pytest.mark.parametrize(
    ("stream", "ci", "wanted"), [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)]
)
def test_tty_needs_a_terminal_outside_ci(stream, ci, wanted):
    assert Console(err=stream(), ci=ci).tty is wanted


def test_working_on_a_terminal_shows_a_clock_and_removes_it():
    err = Terminal()
    with Console(err=err, progress_after_s=0.02).working("install \x1b[2J"):
        time.sleep(0.2)
    shown = err.getvalue()
    assert "  … install \\u001b[2J 0 s" in shown
    assert shown.endswith("\r\x1b[K")
    assert shown.count("…") == shown.count("\r\x1b[K")


def test_working_line_in_between_does_not_stand_behind_the_clock():
    out, err = io.StringIO(), Terminal()
    console = Console(out=out, err=err, progress_after_s=0.02)
    with console.working("install"):
        deadline = time.monotonic() + 5
        while "…" not in err.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        console.line("note")
    assert "\r\x1b[Knote\n" in err.getvalue()


def test_working_result_in_between_removes_the_clock_first():
    err = Terminal()
    console = Console(out=err, err=err, progress_after_s=0.02)
    with console.working("install"):
        deadline = time.monotonic() + 5
        while "…" not in err.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        console.result("document")
    assert "\r\x1b[Kdocument\n" in err.getvalue()


@pytest.mark.parametrize(("stream", "ci"), [(io.StringIO, False), (Terminal, True)])
def test_working_in_ci_or_a_pipe_shows_nothing(stream, ci):
    err = stream()
    with Console(err=err, ci=ci, progress_after_s=0.01).working("install"):
        time.sleep(0.05)
    assert err.getvalue() == ""


def test_working_that_ends_soon_shows_nothing_and_leaves_no_thread():
    err = Terminal()
    before = threading.active_count()
    with Console(err=err).working("install"):
        pass
    assert (err.getvalue(), threading.active_count()) == ("", before)


def test_working_that_fails_removes_the_clock():
    err = Terminal()

    def failing():
        with Console(err=err, progress_after_s=0.02).working("install"):
            time.sleep(0.1)
            raise ValueError

    with pytest.raises(ValueError):
        failing()
    assert err.getvalue().endswith("\r\x1b[K")


def test_line_from_many_threads_is_never_mixed():
    err = io.StringIO()
    console = Console(err=err)
    threads = [
        threading.Thread(target=lambda mark=mark: [console.line(mark * 50) for _ in range(50)]) for mark in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = err.getvalue().splitlines()
    assert len(rows) == 200
    assert all(len(set(row)) == 1 and len(row) == 50 for row in rows)
