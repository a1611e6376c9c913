"""Runs the cases and the chains of one operation, and keeps what it found."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from django.db import connection
from hypothesis import HealthCheck, Phase, Verbosity, given, reject, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis.core.transport import Response
from schemathesis.generation.case import find_invalid_headers

from missioncontrol.kernel import jobs, ratelimit
from tests.fuzz import chains, streams
from tests.fuzz.callers import Callers, weighted
from tests.fuzz.calls import Door, Finding, prepared, shown
from tests.fuzz.cases import Reach, drawn, fitting

MOST_FINDINGS = 20
#: Of so many cases one is followed along the links of the document.
CHAINS = 10


@dataclass
class Report:
    """What became of one operation."""

    operation: str
    cases: int = 0
    chained: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str, int], Finding] = field(default_factory=dict)

    def add(self, found: Finding) -> None:
        """Keep the first finding of each key."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.setdefault(found.key, found)


@dataclass
class Runner:
    """Everything that the operations of one process share."""

    schema: Any
    document: dict[str, Any]
    callers: Callers
    reach: Reach
    cases: int
    seed: int
    door: Door = field(default_factory=Door)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def run(self, label: str) -> Report:
        """All cases of one operation; each begins on the same rows."""
        operation = self.schema.find_operation_by_label(label)
        report = Report(label)
        started, used = time.monotonic(), time.process_time()
        jobs.client().flushdb()
        number = zlib.crc32(label.encode()) ^ self.seed
        strategy = st.tuples(st.sampled_from(weighted(operation.definition.raw)), drawn(operation))
        if streams.is_stream(operation):
            self._streams(strategy, report, number)
        else:
            each(strategy, self.cases, number, lambda one: self._case(report, *one))
            self._chains(operation, report, number)
        report.seconds, report.cpu = time.monotonic() - started, time.process_time() - used
        return report

    def _request(self, who: str, case: Any) -> requests.PreparedRequest:
        """The case as a request; what no request can carry is not a case."""
        case.freeze_metadata()
        if any(find_invalid_headers(case.headers)):
            reject()
        try:
            return prepared(case, self.callers.headers(who))
        except (ValueError, UnicodeError):
            reject()

    def _case(self, report: Report, who: str, case: Any) -> None:
        self.reach.steer(case)
        request = self._request(who, case)
        with connection.case():
            self._judged(report, case, self.door.answer(request))
        ratelimit.memory.clear()

    def _judged(self, report: Report, case: Any, response: Response) -> None:
        report.cases += 1
        report.statuses[response.status_code] += 1
        for found in self.door.findings(case, response):
            report.add(found)

    def _streams(self, strategy: Any, report: Report, seed: int) -> None:
        """Streams are read by the event loop, some at a time; then the finite answer is judged."""
        kept: list[tuple[Any, requests.PreparedRequest]] = []

        def keep(one: tuple[str, Any]) -> None:
            who, case = one
            self.reach.steer(case)
            kept.append((case, self._request(who, case)))

        each(strategy, self.cases, seed, keep)
        read = self.loop.run_until_complete(streams.read_all([request for _case, request in kept]))
        for (case, request), response in zip(kept, read, strict=True):
            self._judged(report, case, response)
            finite = self.door.answer(request)
            self._judged(report, case, finite)
            report.cases -= 1  # the same case by another door
            wrong = streams.faults(response) + streams.faults(finite)
            if finite.status_code != response.status_code:
                wrong.append(f"{response.status_code} natively, {finite.status_code} at the end")
            for fault in wrong:
                text = f"{fault}\n{shown(response)}"
                report.add(Finding(report.operation, fault[:60], response.status_code, text))
            ratelimit.memory.clear()

    def _chains(self, operation: Any, report: Report, seed: int) -> None:
        raw = operation.definition.raw
        steps = chains.steps(self.document, raw)
        if not steps:
            return
        who = weighted(raw)[0]
        targets = [(step, self.schema.find_operation_by_id(step.operation_id)) for step in steps]

        def follow(data: st.DataObject) -> None:
            case = data.draw(fitting(operation))
            self.reach.steer(case)
            with connection.case():
                made = self.door.answer(self._request(who, case))
                if made.status_code < 300:
                    self._life(data, report, who, targets, (case, made))
            ratelimit.memory.clear()

        each(st.data(), max(1, self.cases // CHAINS), seed, follow)

    def _life(
        self, data: st.DataObject, report: Report, who: str, targets: list[Any], source: Any
    ) -> None:
        """Follow every link of what was made; what was deleted is read once more."""
        case, made = source
        reading = None
        for step, target in targets:
            fixed = chains.filled(step, made, case.path_parameters)
            if fixed is None:
                continue
            response = self._followed(data, report, who, (target, fixed))
            self._lives(report, step, response, is_deleted=False)
            if step.method == "get" and chains.is_row(step):
                reading = (step, target, fixed)
            elif chains.is_row(step) and response.status_code == 200 and reading is not None:
                again = self._followed(data, report, who, reading[1:])
                self._lives(report, reading[0], again, is_deleted=True)
                return

    def _followed(
        self, data: st.DataObject, report: Report, who: str, to: tuple[Any, dict[str, str]]
    ) -> Response:
        target, fixed = to
        following = data.draw(fitting(target, path_parameters=fixed))
        self.reach.steer(following, keep_path=True)
        response = self.door.answer(self._request(who, following))
        report.chained += 1
        for found in self.door.findings(following, response):
            report.add(found)
        return response

    def _lives(
        self, report: Report, step: chains.Step, response: Response, *, is_deleted: bool
    ) -> None:
        wrong = chains.fault(step, response, is_deleted=is_deleted)
        if wrong:
            name = f"{step.method.upper()} {step.path}"
            text = f"made by {report.operation}\n{shown(response)}"
            report.add(Finding(name, wrong, response.status_code, text))


def each(strategy: Any, cases: int, seed: int, use: Callable[[Any], None]) -> None:
    """Draw so many cases from one seed."""

    @seeded(seed)
    @settings(
        max_examples=cases, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
    )  # fmt: skip
    @given(strategy)
    def run(one: Any) -> None:
        use(one)

    run()
