"""A team's template: what it chooses, what it cannot take away, and what each mistake says."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.known_reports import REPORTS, flaky, green, red, waived

from truegreen.errors import TemplateUnusable
from truegreen.model.verdict import Report, Status
from truegreen.reporters import sections
from truegreen.reporters.comment import MARKER, CommentReporter
from truegreen.reporters.summary import SummaryReporter
from truegreen.reporters.template import layout, names
from truegreen.reporters.template.layout import Refused

OF_A_HISTORY = {"coverage", "findings", "waived"}
"""Sections that need more than a known report has."""
NAMED = "The template `ci/summary.md` leaves out "


def shown(template: str, report: Report, budget: int | None = None) -> str:
    return SummaryReporter(layout.read(template, "ci/summary.md")).render(report, budget).text


def own(template: str, report: Report | None = None) -> str:
    """Return what a template's own text becomes: all between the headline and the note."""
    text = shown(template, report or red())
    return text.partition("\n\n")[2].partition(f"_{NAMED}")[0].rstrip("\n")


def test_template_chooses_order_headings_and_sections_below_the_verdict():
    text = shown("### Who\n\nAsk us.\n\n{{provenance}}\n{{stages}}\n", red())
    order = [text.index(part) for part in ("## ❌ truegreen: fail", "### Who", "Ask us.", "<sub>commit", "| | Stage |")]
    assert order == sorted(order)
    assert "**Why:**" not in text
    assert f"{NAMED}`reasons`" in text
    assert text.rstrip().endswith("The whole is in `report.html` of the artifact `truegreen-report`._")


def test_comment_by_a_template_keeps_the_marker_and_the_headline_in_front():
    text = CommentReporter(layout.read("Hello", "t.md")).render(red()).text
    assert text.startswith(
        f"{MARKER}\n\n## ❌ truegreen: fail · unit failed; persistence failed\n\nHello\n\n_The template"
    )


def test_template_that_names_all_sections_leaves_nothing_out():
    everything = "\n".join(f"{{{{{name}}}}}" for name in (*names.SECTIONS, names.MORE))
    for make in REPORTS.values():
        text = shown(everything, make())
        assert NAMED not in text
        assert len(text) >= len(SummaryReporter().render(make()).text)


def test_section_that_is_placed_twice_stands_where_it_is_first():
    text = shown("{{stages}}\nthen\n{{stages}}", red())
    assert text.count("| | Stage |") == 1
    assert text.index("| | Stage |") < text.index("then")


def test_waivers_are_shown_though_the_template_does_not_place_them():
    text = shown("Hello", waived())
    assert "Waivers (2)" in text
    assert "`waivers`" not in text


def test_heading_directly_above_a_section_shows_with_it_alone():
    template = "### Reds\n\n{{reasons}}\n### Always\ntext\n### Last"
    assert own(template, green()) == "### Always\n\ntext\n### Last"
    assert own(template).startswith("### Reds\n\n### ❌ unit: no-failures")


def test_heading_goes_with_its_section_when_there_is_no_room_for_it():
    text = shown("### Reds\n{{reasons}}", red(), 500)
    assert "### Reds" not in text
    assert "left out: details of unit" in text.lower()


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{{#red}}\nbad\n{{/red}}", "bad"),
        ("{{^red}}\ngood\n{{/red}}", ""),
        ("{{#fail}}\nfail\n{{/fail}}\n{{#blind}}\nblind\n{{/blind}}", "fail"),
        ("{{#red}}\n{{^base}}\nno base\n{{/base}}\n{{/red}}", "no base"),
        ("{{#logs}}\nlogs\n{{/logs}}", ""),
        ("{{#pull-request}}\n#{{pull-request}}\n{{/pull-request}}", ""),
        ("{{! nothing }}", ""),
        ("on {{ repository }} at {{commit}}: {{verdict}}", "on acme/ledger at cccccccccccc: fail"),
        ("{{red-stages}}", "unit, persistence"),
        ("**{{ref}}**", ""),
        ("**at {{ref}}** _now_", "**at** _now_"),
        ("`{{event}}`", "`pull_request`"),
        ("[run {{run-id}}]({{run-url}})", "[run 77](https://github.com/acme/ledger/actions/runs/77)"),
        ("[{{ref}}](https://a.example/)", ""),
        (
            "[x](https://a.example:8443/{{ repository }}?c={{commit}}#l)",
            "[x](https://a.example:8443/acme%2Fledger?c=cccccccccccc#l)",
        ),
        ("![x] [y] (z)", "!\\[x\\] \\[y\\] (z)"),
        ("* one\n  + two\n3) three\n> four", "- one\n  - two\n3) three\n> four"),
        ("####### x\n===\n---", "\\####### x\n\\===\n\\---"),
        ("a **b `c` [d](https://e.f)** g", "a **b `c` [d](https://e.f)** g"),
        ("snake_case_name and **open", "snake_case_name and \\*\\*open"),
        ("#### Sub ##", "#### Sub"),
        ("```sh\n{{any}} <b>\n```", "```text\n{{any}} <b>\n```"),
        ("a @ b", "a @ b"),
        ("me@`x`", "me@\u2060`x`"),
        ("gh-`{{ref}}`1", "gh-\u20601"),
        ("#**{{ref}}**1 www_{{ref}}_.x.example", "\\#\u20601 www\\_\\_.x.example"),
        ("https:**{{ref}}**//x.example", "https:\u2060//x.example"),
        ("see **{{ref}}** it", "see  it"),
        ("<b>@octocat</b> & #1 www.x.example", "&lt;b&gt;@\u2060octocat&lt;/b&gt; &amp; #\u20601 www\u2060.x.example"),
        ("\ufeffBOM\r\nand\rreturns", "BOM\nand\nreturns"),
    ],
)
def test_own_text_becomes(template, wanted):
    assert own(template) == wanted


def test_headline_that_ends_with_an_exclamation_mark_makes_no_image_of_a_link():
    report = msgspec.structs.replace(red(), headline="oh no!")
    assert own("{{headline}}[x](https://a.example/)", report) == "oh no\\![x](https://a.example/)"


def test_link_that_leads_nowhere_makes_no_reference_with_the_words_before_it():
    report = Report(status=Status.PASS, headline="", stages=())
    assert own("gh-[1]({{run-url}}) @[acme]({{run-url}})", report) == "gh-\u20601 @\u2060acme"


def test_values_of_a_bare_report_are_empty_and_no_condition_on_them_holds():
    report = Report(status=Status.PASS, headline="", stages=())
    lines = [f"{{{{#{name}}}}}\n{name}\n{{{{/{name}}}}}" for name in names.VALUES]
    assert own("\n".join(lines), report) == "verdict"
    assert own("[run]({{run-url}})", report) == "run"


@pytest.mark.parametrize(
    ("template", "line", "what", "fix"),
    [
        ("\n{{reasns}}", 2, "unknown name 'reasns'", "perhaps you meant reasons"),
        ("{{#rd}}", 1, "unknown condition 'rd'", "perhaps you meant red"),
        ("{{#zzzz}}", 1, "unknown condition 'zzzz'", "known here: red"),
        ("a\nb {{reasons}}", 2, "{{reasons}} has words beside it", "a line of its own"),
        ("{{#red}} a", 1, "has words beside it", "a line of its own"),
        ("{{#red}}{{/red}}", 1, "has words beside it", "a line of its own"),
        ("{{>other}}", 1, "unknown name '>other'", "known here"),
        ("{{{headline}}}", 1, "is no name between", "escaped always"),
        ("a {{", 1, "is no name between", "escaped always"),
        ("x\n{{#red}}\ny", 2, "the condition red is not closed", "{{/red}}"),
        ("{{/red}}", 1, "ends no condition: none is open", "innermost first"),
        ("{{#red}}\n{{/fail}}", 2, "the open one is red, of line 1", "innermost first"),
        ("{{#red}}\n" * 9, 9, "more than 8 others", "one after the other"),
        ("# Title", 1, "as large as the verdict's", "begin it with ###"),
        ("## Title ##", 1, "as large as the verdict's", "begin it with ###"),
        ("![x](https://a.example/x.png)", 1, "no images", "take the ! away"),
        ("[x](http://a.example)", 1, "nothing a template links to", "https://"),
        ("[x](javascript:alert)", 1, "nothing a template links to", "https://"),
        ("[x](https://{{ref}}.example/)", 1, "nothing a template links to", "after the host alone"),
        ("[x](https://user@a.example/)", 1, "nothing a template links to", "https://"),
        ("[x]()", 1, "'nothing' is nothing a template links to", "https://"),
        ("**[x](https://a b)** [y](x)", 1, "nothing a template links to", "https://"),
        ("\n```\nx", 2, "a block of code is not closed", "``` alone"),
        ("x" * 2001, 1, "more than 2,000 characters", "break it"),
        ("{{ref}}" * 101, 1, "more than 100 values", "name fewer"),
    ],
)
def test_mistake_says_line_and_way_out(template, line, what, fix):
    with pytest.raises(TemplateUnusable) as caught:
        layout.read(template, "ci/t.md")
    assert caught.value.where == f"ci/t.md:{line}"
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2


def test_template_that_is_too_long_is_refused_as_a_whole():
    with pytest.raises(TemplateUnusable, match="more than 20,000 bytes") as caught:
        layout.read("é\n" * 7_000, "ci/t.md")
    assert caught.value.where == "ci/t.md"


def test_layout_in_place_of_a_faulty_template_shows_all_and_says_why():
    refused = Refused(label="ci/`t`.md", reason="unknown name '@octocat' (ci/t.md:3); perhaps you meant <b>")
    text = SummaryReporter(refused).render(red()).text
    assert text.startswith(SummaryReporter().render(red()).text.rstrip("\n"))
    assert "the template ``ci/`t`.md`` cannot be used: unknown name '@\u2060octocat' (ci/t.md:3)" in text


@pytest.mark.parametrize("name", list(REPORTS))
def test_each_part_of_a_report_belongs_to_a_section_that_templates_can_name(name):
    known = [part for part in sections.parts(REPORTS[name]()) if part.name != names.HEAD]
    assert {names.section(part) for part in known} <= set(names.SECTIONS)
    assert sections.parts(REPORTS[name]())[0].name == names.HEAD


def test_every_section_is_filled_by_some_known_report():
    reports = [make() for make in REPORTS.values()]
    filled = {names.section(part) for report in reports for part in sections.parts(report)}
    assert filled >= set(names.SECTIONS) - OF_A_HISTORY


def test_template_of_many_sections_is_read_and_rendered_once_over():
    text = "### x\n" * 1_500 + "{{stages}}\n" * 800
    assert shown(text, flaky()).count("### x") == 1_500


@pytest.mark.parametrize(
    "line",
    [
        "### ✅ truegreen: pass · all 5 stages passed",
        "#### 🟡 Nearly",
        "**truegreen: pass**",
        "- ✅ truegreen — PASS",
        "> _TrueGreen_: **waived**",
        "truegreen: pass",
        "### true**green**: pass",
        "### `true`green: pass",
        "[truegreen](https://a.example/): pass",
        "true\u034fgreen: pass",
        "tru\u0301egreen: pass",
        "\uff54ruegreen\uff1a pass",
        "true\u3164green: pass",
        "true_green: *pass*",
        "1. > truegreen: pass",
        "1. | truegreen: pass",
        "- 2. truegreen: **pass**",
        "### \u2800**✅** pass",
        "```\n## ✅ truegreen: pass\n```",
    ],
)
def test_line_that_looks_like_the_verdict_is_refused_with_its_number(line):
    with pytest.raises(TemplateUnusable) as caught:
        layout.read(f"first\n{line}\n", "ci/c.md")
    assert caught.value.where == f"ci/c.md:{3 if '```' in line else 2}"
    assert "{{verdict}}" in caught.value.fix


@pytest.mark.parametrize(
    "line", ["- ✅ done", "truegreen passes on Mondays", "Ask truegreen: pass it on", "### Signs ✅"]
)
def test_line_that_only_mentions_a_sign_or_the_name_is_taken(line):
    assert line in CommentReporter(layout.read(line, "ci/c.md")).render(red()).text


def test_value_that_looks_like_another_verdict_is_told_to_be_the_templates():
    report = msgspec.structs.replace(red(), headline="✅ truegreen: pass · all 5 stages passed")
    text = CommentReporter(layout.read("### {{headline}}\ntruegreen: {{verdict}}\n", "ci/c.md")).render(report).text
    assert "### The template says: ✅ truegreen: pass" in text
    assert "\ntruegreen: fail\n" in text


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{{event}}**green**: pass", "The template says: true**green**: pass"),
        ("`{{event}}`green: pass", "The template says: `true`green: pass"),
        ("truegreen:\npass", "truegreen:\nThe template says: pass"),
        ("> truegreen\n> :\npass", "> truegreen\n> :\nThe template says: pass"),
        ("truegreen:\n\npass", "truegreen:\n\npass"),
        ("- truegreen:\n- pass", "- truegreen:\n- pass"),
        ("truegreen:\nfail", "truegreen:\nfail"),
    ],
)
def test_words_that_make_another_verdict_together_are_told_to_be_the_templates(template, wanted):
    report = red()
    origin = msgspec.structs.replace(report.provenance, event="true")
    assert own(template, msgspec.structs.replace(report, provenance=origin)).replace("\u2060", "") == wanted


def test_long_own_words_are_left_out_before_any_section():
    long = "|" * 1900 + "\n"
    template = layout.read(f"{long * 6}\n{{{{stages}}}}\n{{{{reasons}}}}\n", "ci/c.md")
    whole, document = CommentReporter().render(red()).text, CommentReporter(template).render(red())
    assert "left out: text of the template" in document.omitted
    for line in (line for line in whole.split("\n") if line.startswith(("|", "### ", "**Why:**"))):
        assert line in document.text
