"""The application as plain processes, for machines without a container engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truegreen.errors import PortInUse, ProcessNotReady
from truegreen.model.evidence import ToolRun
from truegreen.runtime import interrupts, net
from truegreen.runtime.process import stop
from truegreen.stages.common import stack_orphans
from truegreen.stages.common.stack_ready import NotYet, check, log_tail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.config.schema import ProcessOptions
    from truegreen.stages.common.context import StageContext

_POLL_S = 0.05


class ProcessStack:
    """Starts the processes in the order of the table and stops them in reverse."""

    kind = "processes"

    def __init__(self, *, context: StageContext, environment: Mapping[str, str]) -> None:
        self._context = context
        self._environment = dict(environment)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._logs = context.out / "stack"
        self._orphans = stack_orphans.Ledger.open(context.tools.cache)
        self.exports: dict[str, str] = {}
        self.drops: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self.tools: list[ToolRun] = []

    def start(self) -> None:
        """Start each process when the one before it is ready.

        Raises:
            PortInUse: a fixed port is taken.
            ProcessNotReady: a process ended early or was not ready in time; the log's tail is in `why`.
            ToolMissing: its program does not exist.
        """
        swept = self._orphans.sweep(self._context.clock.now().timestamp())
        if swept:
            self.notes.append(f"stopped {swept} processes that an earlier, killed run had left behind")
        for name, options in self._context.project.processes.items():
            self._start_one(name, options)

    def casualties(self) -> tuple[str, ...]:
        """Return a sentence for each process that ended by itself."""
        lost = []
        for name, process in self._running:
            code = process.poll()
            if code is not None:
                tail = log_tail(self._log(name), lines=3).replace("\n", " | ")
                lost.append(f"process {name} ended with {code}: {tail}")
        self.notes.extend(lost)
        return tuple(lost)

    def stop(self) -> None:
        """Ask each process to end, the last one first; kill what does not."""
        while self._running:
            name, process = self._running.pop()
            ended_before = process.poll()
            code = stop(process)
            self._context.console.line(f"stack: stopped {name} ({code if ended_before is None else 'had ended'})")
        self._orphans.close()

    def _start_one(self, name: str, options: ProcessOptions) -> None:
        clock = self._context.clock
        port = self._port(name, options)
        argv = [_fill(word, port) for word in options.command]
        env = {**self._environment, **self.exports, **{k: _fill(v, port) for k, v in options.env.items()}}
        log = self._log(name)
        start = clock.monotonic()
        if options.once:
            self._run_once(name, options, argv, env)
        else:
            with interrupts.held():  # until it is noted, it would be left to nobody
                process = self._context.processes.spawn(argv, log=log, cwd=self._context.root, env=env)
                self._running.append((name, process))
                self._orphans.add(process.pid)
            self._await(name, options, process, _fill(options.ready, port))
        self.exports.update({key: _fill(value, port) for key, value in options.export.items()})
        verb = "ended with 0" if options.once else "ready"
        self._context.console.line(f"stack: {name} {verb} after {clock.monotonic() - start:.2f} s")

    def _port(self, name: str, options: ProcessOptions) -> int:
        if not options.port:
            return net.free_port()
        if net.port_taken(options.port):
            raise PortInUse(
                f"port {options.port} of process {name} is in use",
                where=f"[tool.truegreen.processes.{name}] port",
                why=f"something already listens on 127.0.0.1:{options.port}",
                fix="stop it, or set `port = 0` and use `{port}` in command, ready and export",
            )
        return options.port

    def _run_once(self, name: str, options: ProcessOptions, argv: list[str], env: dict[str, str]) -> None:
        log = self._log(name)
        done = self._context.processes.run(argv, cwd=self._context.root, env=env, timeout_s=options.timeout_s, log=log)
        self.tools.append(
            ToolRun(
                name=name,
                argv=tuple(argv),
                exit_code=done.exit_code,
                duration_s=round(done.duration_s, 3),
                timed_out=done.timed_out,
            )
        )
        if not done.ok:
            what = f"took longer than {options.timeout_s:g} s" if done.timed_out else f"ended with {done.exit_code}"
            raise ProcessNotReady(
                f"one-shot process {name} {what}", where=str(log), why=done.tail(), fix=f"run it by hand: {argv}"
            )

    def _await(self, name: str, options: ProcessOptions, process: subprocess.Popen[bytes], ready: str) -> None:
        """Wait until the process is ready; one that ended, or is late, is an error."""
        clock = self._context.clock
        log = self._log(name)
        start = clock.monotonic()
        while True:
            elapsed_s = clock.monotonic() - start
            code = process.poll()
            if code is not None:
                raise ProcessNotReady(
                    f"process {name} ended with {code} before it was ready",
                    where=str(log),
                    why=log_tail(log),
                    fix=f"run it by hand: {' '.join(options.command)}",
                )
            state = check(ready, log, elapsed_s)
            if not isinstance(state, NotYet):
                return
            if elapsed_s > options.timeout_s:
                raise ProcessNotReady(
                    f"process {name} was not ready after {options.timeout_s:g} s",
                    where=str(log),
                    why=f"{state.reason}; its log ends with: {log_tail(log) or '(nothing)'}",
                    fix="check `ready`, or raise `timeout-s` of the process",
                )
            clock.sleep(_POLL_S)

    def _log(self, name: str) -> Path:
        return self._logs / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.log"


def _fill(text: str, port: int) -> str:
    return text.replace("{port}", str(port))
