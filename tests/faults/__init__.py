"""Faults that leave unit tests green, planted in real applications, and whether each is noticed.

Three small applications in `examples/` are judged as they are, and then with one fault at a time. Nothing is replaced:
each fault is planted in a copy, and `truegreen run` judges it with real servers. A fault is *noticed* when the unit
stage is green, the stage that should be red is red, and the gate named in the table says the cause.

| application | made of | stores |
|---|---|---|
| `ledger` | FastAPI, SQLAlchemy (asyncio), a worker | PostgreSQL, Redis, NATS JetStream |
| `parcels` | Flask, SQLAlchemy, a worker, a relay thread | PostgreSQL, Redis (cache and streams) |
| `stockroom` | Django, a management command | PostgreSQL |

```sh
make faults                                     # all of it: the table, and the false alarms
make faults FAULT=parcels/wrong-schema          # one fault
.venv/bin/python -m tests.faults --list         # what there is
.venv/bin/python -m tests.faults --app parcels  # the faults and the honest tests of one application
.venv/bin/python -m tests.faults --json         # the results for a program
```

It ends with 1 when fewer than 39 of 40 faults are noticed, when the unit tests notice one (then it is no fault of this
corpus), or when anything honest is red. A fault that is missed stays in the corpus and is listed as missed.

## Two kinds of persistence tests

The applications' own tests look into the store over a connection of their own. Many faults would turn those red
without any help, so most faults are planted together with a *weak* suite (`tests/faults/weak/`) instead: tests that
believe what the application answers, as most suites do, and stay green. There only evidence can notice. Faults that
evidence cannot see, such as a row that is counted twice, are left to the honest tests: `no-failures` in the table means
that a test on the real server failed where the unit tests, over fakes, had nothing to say.

Weak suites without a fault are judged too, and must be green: what is red is the fault, and not the suite. That such a
suite proves little is found by `truegreen prove`, and stands in the table as a fault of its own.

## Add a fault

A row in `tests/faults/corpus/APPLICATION.toml`:

```toml
[[faults]]
id = "wrong-stream"
family = "lost message"
title = "The API publishes to another stream than the worker reads."
unit = "The queue is a fake there."  # why the unit tests stay green
stage = "persistence"                # the default; or wiring, e2e, prove
gate = "no-failures"                 # who must say it
cause = "test_scan_is_applied_by_the_worker"  # words of the verdict, or of one of its items
weak = false                         # true plants it together with the weak suite
tests = ["tests/persistence/test_scans.py"]   # optional: what the red stage runs
[[faults.edits]]                     # as many as it takes; without `find` the file is new
file = "src/parcels/factory.py"
find = "get_parcel_service(engine, redis, scans)"  # must be there exactly once
replace = 'get_parcel_service(engine, redis, RedisQueue(redis, "parcels.scans"))'
```

A text that is not there exactly once, or a patch that does not apply any more, is an error before anything runs. For an
application of your own, add a folder below `examples/` and a file of that name to the corpus. `make docs` writes the
table below.
"""
