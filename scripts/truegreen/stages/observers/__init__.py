"""While the tests of the stage `persistence` run, a recorder outside their process asks each store what it kept.

The plugin only says when a phase of a test begins and ends, and waits for the answer; no driver enters the project's
environment, and nothing that the project's code returns is believed. Each store has a file of evidence,
`persistence-SERVICE.json`: per test and phase, which changes of which object were kept. A service that was lost in the
middle, or that does not let itself be observed, is *blind*, which is red for every test that needs it.

```toml
[tool.truegreen.persistence]
services = ["postgres", "redis", "nats"]
stores = ["postgres"]        # counts for a test that names no store; the databases, unless said otherwise
databases = ["redis:1"]      # beside what a service calls its own
```

```python
@pytest.mark.persists("operations", kind="insert")  # a row in the table
@pytest.mark.persists("operation:*", store="redis")  # a key
@pytest.mark.persists("EVENTS", store="nats", at_least=2)  # two messages in the stream
@pytest.mark.persists("audit", exactly=1)  # one row, and not a second one
def test_operation_is_stored_cached_and_announced(service): ...
```

A marker asks for an object, a store, a kind of change and a number; of several markers, each must be met. Without one,
any change counts that was kept in one of the stores that count while the test itself ran: what fixtures write does
not, nor what one wrote in a transaction that the test commits, nor what hooks of a conftest or a plugin write (see
[below](#where-a-test-begins-and-ends)). A test that should write to the database and reaches only the cache is red:
`0 committed rows in postgres; only redis saw a change, which does not count: 1 set in operation:1`.

The number is one or more, unless `at_least`, `at_most` or `exactly` says otherwise. It counts changes of every kind, so
name the kind too: an insert and an update of the same row are two changes, and `at_least=2` does not mean two rows.
What only takes away (`delete`, a file's `removal`, `del` or `expire` of a key) is never enough without its kind, since
tests clean up in the same way: a test of a deletion says `persists("operations", kind="delete")`. It does count towards
what `at_most` and `exactly` forbid. What is written twice is red, as
`2 committed rows in audit, exactly 1 is demanded`, if it is written while the test runs: a test of a message that is
delivered again waits until the second delivery was handled.

Rows in the tables in which migration tools note a schema's version (`alembic_version`, `django_migrations` and the
like) count only for a marker that names the table: an application that migrates as it starts would else write one for
a test in which nothing is stored. What a migration puts into other tables counts.

A marker that is misspelt, that can never be met, or that names a store or a kind of change which the stage does not
observe, ends the session before its first test, with file, line and the name that is meant. Kinds of Redis and Valkey
are not held against a list, since modules bring their own: one that is misspelt is red when its test ran.

What is not in the table (MongoDB, Qdrant, Elasticsearch and others) is not observed: it can be a service of the stage,
and says nothing. PostgreSQL's driver comes with the extra `postgres`; nothing else needs one.

Tests are told apart by time, so they run one after the other, and what anybody else writes meanwhile is taken for
theirs: name the object where something writes in the background, and end what a test starts in that test. A row
that the body of the test writes to arrange things is taken for the application's, too: both come from one process,
often over one connection. Arrange in fixtures, and name the object that the application must write; the gate counts the
tests that name none, and refuses them with `require-object = true`.

## Where a test begins and ends

A test is what its function does. Some things run inside the call that pytest makes, and are told apart from it:

- `setUp` and `tearDown` of a `unittest.TestCase`: the test begins after the one and ends before the other.
- Hooks around its function (`pytest_pyfunc_call`, `pytest_runtest_call`), and asynchronous fixtures of pytest-trio,
  which that plugin sets up and tears down inside the call: the test begins and ends with its function.
- A fixture that the test asks for on its way, by `request.getfixturevalue(…)` or as a step of pytest-bdd: the test
  stops while the fixture is set up, and goes on afterwards. Its parts are added up.
- The report of a subtest (`pytest_runtest_logreport` and others), and hooks around a step of pytest-bdd: as with a
  fixture.

A stop costs two more questions to each store. Only a test that has one pays for it; a hook of pytest itself or of a
plugin that is known to write nothing is none.

These cannot be told apart, and count for the test: what pytest-trio's fixtures write under Hypothesis, where each
example has its own; decorators of a test; a hook that puts its own function in the test's place before the call begins;
hooks that another plugin brings and calls inside of a test; what a thread or a task writes while the test runs.
What a fixture or a hook commits in a stop does not count, also where the test wrote it. A transaction that is open
over a stop counts with what the test wrote in it, and not with what the fixture did: in PostgreSQL's tiers A and B. In
tier C what it wrote before the test goes on does not count; in MariaDB and MySQL all of it counts where it is
committed.

## What outlives its test

No store says which thread or process wrote a row, and a pool hands one connection to many threads. A thread that one
test starts, and that writes while the next one is called, would write for the next one, whose evidence would be green
though it wrote nothing; so would a process. What is done about it:

- The next test waits until what a test's call left behind is no longer at work: about a second at most, and about ten
  in a session. What is written by then counts for no test.
- What goes on for longer is noted by the stage: `went on after its test: thread late (app/mail.py:12 send), which
  tests/test_mail.py::test_send left running`.
- When it then ends while a later test is called, or goes on there by itself, the evidence of that later test is
  **blind**: `what 1 test committed cannot be told from what another one set going`, with the thread or process, and the
  test that started it. What sleeps all through a test cannot have written, and is no reason.

*By itself* means that the project's own function, or the process, runs, or sleeps until a moment comes; for a thread, a
lock will do as well. Others do harm only when somebody asks them to, which a test may well do, and are not named:

| not named | how it is known |
|---|---|
| what a fixture started, of any scope, or a `setUp` | it appeared while that was set up |
| a worker of a pool at rest, or one that takes jobs from a `queue.Queue` | its stack |
| a thread that waits inside a library, such as a server or a loop | its stack; named if it ends meanwhile |
| a process that waits for input | `/proc`; named if it ends meanwhile |
| a thread that a library started for itself | no code of the project is on its stack |
| what `background` of [the gate](gates.md) names | its name |

So these can still write for a later test, and nothing notices: a task that sleeps in an event loop that several tests
share; a thread that is inside a driver both when a test begins and when it ends, and a process that waits for the
server then; a thread of code that is installed into `site-packages` and not editable; a process of a process, and one
that neither `subprocess` nor `multiprocessing` started; threads that Python does not know; what a fixture starts and
leaves running. Where the system does not tell how long a thread ran, it is taken to have run; processes are seen on
Linux alone.
"""
