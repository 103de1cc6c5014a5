"""The checker: from a recorded history and the end of its ledger to a verdict. It knows the words of the
port and nothing of how any ledger works."""

from __future__ import annotations

from collections.abc import Sequence

from bench.history.answers import Moments, answers, shown_versions, update_amounts
from bench.history.case import Case
from bench.history.effects import accounting, effects_of
from bench.history.findings import Finding, Law, Verdict
from bench.history.model import Call, Ending, Final
from bench.history.order import Order
from bench.history.promises import promises
from bench.history.rows import at_rest, chain, oversold
from router.ledger import ReserveCode


def check(calls: Sequence[Call], final: Final) -> Verdict:
    """Proves a history (no findings) or refutes it. final: read when no call was under way any more.

    Raises NotJudged for calls that no law covers yet (see ``case.Case``).
    """
    case = Case(calls, final)
    effects = effects_of(case)
    log = list(chain(case))
    accounts = [*effects.findings, *accounting(case, effects)]
    findings: list[Finding] = [*log, *oversold(case), *promises(case), *accounts, *at_rest(case)]
    if not log and not accounts:
        stuck = Order(final.changes, effects, shown_versions(case)).find()
        if stuck is not None:
            findings.append(stuck)
        else:
            moments = Moments(case, effects)
            findings += [*answers(case, moments), *update_amounts(case, effects, moments)]
    return Verdict(findings=findings, figures=_figures(case, findings))


def _figures(case: Case, findings: Sequence[Finding]) -> dict[str, int]:
    endings = [call.ending for call in case.calls]
    outcomes = [attempt.outcome.code for attempt in case.attempts if attempt.outcome is not None]
    return {
        "calls": len(case.calls),
        "acknowledged calls": endings.count(Ending.ANSWERED),
        "unknown calls": endings.count(Ending.UNKNOWN),
        "reserves asked": len(case.attempts),
        "reserves held": outcomes.count(ReserveCode.HELD),
        "sold out": outcomes.count(ReserveCode.SOLD_OUT),
        "false sold outs": sum(finding.law is Law.SOLD_OUT for finding in findings),
        "reservations at the end": len(case.final.reservations),
        "versions": len(case.final.changes),
        "lost": sum(finding.law is Law.DURABLE for finding in findings),
        "oversold": sum(finding.law is Law.OVERSELL for finding in findings),
    }
