"""Messages of `pgoutput`: what is sent is counted, and what is broken is refused, never left out."""

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.errors import EvidenceUnreadable
from truegreen.stages.common.pgoutput import Decoder, Relation

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
KINDS = {"insert": b"I", "update": b"U", "delete": b"D", "truncate": b"T"}
TABLES = st.dictionaries(st.integers(16384, 2**32 - 1), st.tuples(NAMES, NAMES), min_size=1, max_size=4)


def relation(oid, schema, name):
    return b"R" + struct.pack("!I", oid) + schema.encode() + b"\0" + name.encode() + b"\0d\0\0"


def change(kind, oid):
    if kind == "truncate":
        return b"T" + struct.pack("!IbI", 1, 0, oid)
    return KINDS[kind] + struct.pack("!I", oid) + b"N\0\1t\0\0\0\1x"


def read(messages, since=0):
    return Decoder(since).transactions(enumerate(messages))


BEGIN = b"B" + struct.pack("!qqI", 1, 2, 3)


def commit(position):
    return b"C" + struct.pack("!bqqq", 0, position, position + 8, 0)


@st.composite
def sessions(draw):
    tables = draw(TABLES)
    messages = [relation(oid, *names) for oid, names in tables.items()]
    expected = []
    for position in range(draw(st.integers(0, 3))):
        done = draw(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(tables)))))
        messages += [BEGIN, b"O" + b"\0" * 9, *(change(kind, oid) for kind, oid in done), commit(position)]
        rows = {}
        for kind, oid in done:
            key = (Relation(oid, *tables[oid]), kind)
            rows[key] = rows.get(key, 0) + 1
        expected.append((position, rows))
    return messages, expected


@given(sessions())
def test_messages_of_transactions_are_counted_by_table_and_kind(session):
    messages, expected = session
    assert [(one.committed_at, one.rows) for one in read(messages)] == expected


@given(sessions(), st.data())
def test_transaction_that_is_cut_off_is_refused(session, data):
    messages, _ = session
    begins = [number for number, message in enumerate(messages) if message[:1] == b"B"]
    if begins:
        end = data.draw(st.integers(begins[-1] + 1, len(messages) - 1))
        with pytest.raises(EvidenceUnreadable, match="could not be read"):
            read(messages[:end])


@given(sessions(), st.data())
def test_rows_of_before_a_position_are_told_apart(session, data):
    messages, expected = session
    found = read(messages, data.draw(st.integers(0, len(messages))))
    both = [Counter(one.rows) + Counter(one.written_before) for one in found]
    assert both == [Counter(rows) for _, rows in expected]


def test_row_at_a_position_is_not_of_before_it():
    insert, update = change("insert", 16384), change("update", 16384)
    (one,) = read([relation(16384, "s", "t"), BEGIN, insert, update, commit(9)], since=3)
    table = Relation(16384, "s", "t")
    assert (one.rows, one.written_before) == ({(table, "update"): 1}, {(table, "insert"): 1})


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_foreign_bytes_are_refused_or_change_nothing(messages):
    try:
        found = read(messages)
    except EvidenceUnreadable:
        return
    assert all(not one.rows for one in found)


def test_table_of_the_catalogue_has_no_schema_in_the_message():
    oid = 16384
    messages = [relation(oid, "", "t"), BEGIN, change("insert", oid), commit(1)]
    assert read(messages)[0].rows == {(Relation(oid, "pg_catalog", "t"), "insert"): 1}
