"""The recorder's side of the fixtures: what a test asks about its services, and what it wants emptied first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truegreen.errors import TruegreenError
from truegreen.stages.common import emptying, questions
from truegreen.stages.common.questions import Unanswerable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truegreen.model.service import ServiceHandle
    from truegreen.stages.common.context import StageContext

EVENTS = ("sql", "redis", "clean")
"""Events of the line that are answered here; none of them touches the evidence."""


def probe_of(context: StageContext) -> Probe:
    """Return what answers for the services of a stage, as its options say."""
    options = context.options
    return Probe(
        context.services,
        keep=getattr(options, "clean_keep", ()),
        attached=getattr(options, "clean_attached", False),
    )


class Probe:
    """Answers for the services of one stage."""

    def __init__(self, services: Sequence[ServiceHandle], *, keep: Sequence[str] = (), attached: bool = False) -> None:
        """Know the services.

        Args:
            services: all services of the stage.
            keep: patterns of tables and streams that are never emptied.
            attached: whether servers may be emptied that truegreen did not start, and that are not on this machine.
        """
        self._services = services
        self._keep = keep
        self._attached = attached

    def answer(self, event: Mapping[str, Any], *, phase: str = "", database: str = "") -> dict[str, Any]:
        """Return the answer to one event: `answer`, or `error` with the reason; a test is never left without.

        Args:
            event: what the plugin sent.
            phase: phase of a test that runs now.
            database: database of who asks; empty takes the service's own.
        """
        try:
            return {"answer": self._answered(event, phase, database)}
        except Unanswerable as error:
            return {"error": str(error)}
        except TruegreenError as error:
            return {"error": f"{error.what}: {error.why}" if error.why else error.what}
        except Exception as error:  # noqa: BLE001 - a foreign message
            return {"error": f"{type(error).__name__}: {error}"}

    def _answered(self, event: Mapping[str, Any], phase: str, database: str) -> Any:
        name = str(event.get("service") or "")
        if event["event"] == "sql":
            server = self._service("postgres", name)
            where = str(event.get("database") or database or server.database)
            return questions.sql(server, where, str(event["statement"]), list(event["arguments"]))
        if event["event"] == "redis":
            return questions.redis(self._service("redis", name), list(event["words"]))
        if phase == "call":
            raise Unanswerable("a store is emptied before a test, not while it runs: let the test ask for the fixture")
        return self._emptied(self._service(str(event["kind"]), name), event, database)

    def _emptied(self, server: ServiceHandle, event: Mapping[str, Any], database: str) -> list[str]:
        if refusal := emptying.allowed(server, attached=self._attached):
            raise Unanswerable(refusal)
        if server.kind == "postgres":
            return emptying.postgres(server, database or server.database, self._keep)
        if server.kind == "nats":
            return emptying.nats(server, self._keep, str(event.get("prefix") or ""))
        return emptying.redis(server)

    def _service(self, kind: str, name: str) -> ServiceHandle:
        kinds = ("redis", "valkey") if kind == "redis" else (kind,)
        found = [one for one in self._services if one.kind in kinds and name in ("", one.name)]
        if not found:
            known = ", ".join(one.name for one in self._services) or "none"
            raise Unanswerable(f"the stage has no service {name or kind} (it has: {known}): add it to its services")
        if len(found) > 1:
            names = ", ".join(one.name for one in found)
            raise Unanswerable(f"the stage has several: say which, service = one of {names}")
        return found[0]
