"""What to do next with a pod, from what is seen of it: a pure function, so that every case can be tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# What the API's words mean for a run. A word that is not here is waited for like REPAIRING.
COMING = ("CREATING", "ACCEPTED", "PROVISIONING", "WAITING_FOR_RESOURCES")
LOST_QUEUE = ("FAILED", "SUSPENDED", "STOCKOUT")  # STOCKOUT: our word for FAILED because nothing is free
LOST_NODE = ("PREEMPTED", "TERMINATED", "STOPPED", "HIDDEN", "UNKNOWN")

PREEMPTED, FATAL, KILLED = 75, (2, 3), 137  # the exit codes of jaxdl's README; 137: killed, or gone without a code
BUDGET = 5  # crashes without a new checkpoint between them
PATIENCE = 20  # looks at a pod that is no use, and gets no better


@dataclass(frozen=True)
class Worker:
    """What is seen of a run on one worker.

    state  bare (not set up), absent, running, ended, stopped (by hand), lost or unreachable
    """

    index: int
    state: str
    code: int | None = None
    time: float = float("inf")
    step: int = -1
    what: str = ""
    """Names the code and the command that it was started with."""


@dataclass(frozen=True)
class Outcome:
    """All workers taken together: unreachable, bare, absent, partial, running, hanging, failed, stopped or done.

    Where one has failed: the worker that failed first, and its exit code.
    """

    kind: str
    worker: int = 0
    code: int = 0
    step: int = -1


def own(workers: Sequence[Worker], what: str) -> list[Worker]:
    """What has ended of other code or of another command is nothing to us: as if no worker had it."""
    if any(worker.state == "running" for worker in workers):
        return list(workers)
    over = ("ended", "stopped", "lost")
    return [
        Worker(worker.index, "absent", step=worker.step) if worker.state in over and worker.what != what else worker
        for worker in workers
    ]


def outcome(workers: Sequence[Worker]) -> Outcome:
    """One failed worker is a failed run: the others die of it, or hang for ever. Who is lost did not die of others.

    A worker that can't be asked, or has booted anew, comes first: it is why the others failed, and none can start.
    """
    step = max((worker.step for worker in workers), default=-1)
    states = {worker.state for worker in workers}
    if "stopped" in states and states <= {"stopped", "ended"}:  # what ended by itself ended with those that were told
        return Outcome("stopped", code=PREEMPTED, step=step)
    failed = [worker for worker in workers if worker.state == "lost" or (worker.state == "ended" and worker.code)]
    blamed = Outcome("", step=step)
    if failed:
        first = min(failed, key=lambda worker: (worker.state != "lost", worker.time, worker.index))
        blamed = Outcome("", first.index, KILLED if first.code is None else first.code, step)
    for kind in ("unreachable", "bare"):
        if (kind in states or not states) and blamed.code not in FATAL:
            return replace(blamed, kind=kind)
    if failed:
        return replace(blamed, kind="hanging" if "running" in states else "failed")
    if "running" in states:
        return Outcome("partial" if states & {"absent", "stopped"} else "running", step=step)
    return Outcome("absent" if "absent" in states else "done", step=step)


@dataclass(frozen=True)
class Seen:
    """One look at a pod. The outcome is unreachable where the node is not READY."""

    queue: str
    node: str
    run: Outcome = Outcome("unreachable")
    why: str = ""
    """What the request failed of."""


@dataclass(frozen=True)
class History:
    """What has to be remembered from look to look; all of it may be forgotten without harm."""

    crashes: int = 0
    """Since there was a new checkpoint."""
    step: int = -1
    """Of the newest checkpoint."""
    useless: int = 0
    """Looks at a pod that is no use, and acts that did not reach it, since the run was seen running."""
    dirty: bool = False
    """Something that does not end holds the accelerator."""
    looked: bool = False
    """The run has been seen: what is stopped from now on was stopped while we watched over it."""


@dataclass(frozen=True)
class Action:
    """create, delete, setup, launch, stop, wait or end; after the time of so many looks; ending with a code."""

    kind: str
    why: str
    after: float = 0.0
    code: int = 0


def decide(seen: Seen, history: History) -> tuple[Action, History]:
    """The next action. A node is created only where there is neither one nor a request for one."""
    run = seen.run
    if run.step > history.step:
        history = replace(history, crashes=0, step=run.step)
    again = run.kind == "stopped" and not history.looked  # before we came: its user asks for more
    history = replace(history, looked=history.looked or run.kind not in ("unreachable", "bare"))
    better, anew = replace(history, useless=0), replace(history, useless=0, dirty=False)
    if run.kind == "done":
        return Action("end", "done"), better
    if run.kind == "stopped" and not again:
        return Action("end", "stopped by hand; the same command goes on where it was", code=PREEMPTED), better
    if run.kind == "failed" and run.code in FATAL:
        meaning = "bad input" if run.code == 2 else "diverged"
        why = f"worker {run.worker} ended with {run.code}, {meaning}: so it would again"
        return Action("end", why, code=run.code), better
    if (seen.queue, seen.node) == ("ABSENT", "ABSENT"):
        return Action("create", "there is no node"), better
    if seen.queue in LOST_QUEUE or seen.node in LOST_NODE or (seen.queue, seen.node) == ("ACTIVE", "ABSENT"):
        why = f"queue {seen.queue}, node {seen.node}: {seen.why or 'lost'}"
        return after_crash(why, anew, "delete") if seen.queue == "FAILED" else (Action("delete", why), anew)
    if history.dirty:
        return Action("delete", "the accelerator is held by what does not end"), anew
    if seen.queue in COMING and seen.node in ("ABSENT", "CREATING"):
        return Action("wait", f"queue {seen.queue}"), better
    if history.useless >= PATIENCE:
        why = f"queue {seen.queue}, node {seen.node}, run {run.kind}: no use for {PATIENCE} looks"
        return after_crash(why, anew, "delete")  # where nothing can be reached, another node would be no better
    if seen.queue not in ("ACTIVE", "ABSENT", *COMING) or run.kind == "unreachable":
        why = f"queue {seen.queue}, node {seen.node}, run {run.kind}"
        return Action("wait", why), replace(history, useless=history.useless + 1)
    return with_node(run, better if run.kind == "running" else history)


def with_node(run: Outcome, history: History) -> tuple[Action, History]:
    """The next action where the node is ready and answers."""
    if run.kind == "running":
        return Action("wait", "running"), history
    if run.kind == "bare":
        return Action("setup", "a new node"), history
    if run.kind == "absent":
        return Action("launch", "no worker has it yet"), history
    if run.kind == "stopped":
        return Action("launch", "it was stopped by hand, and goes on"), history
    if run.kind == "partial":
        return Action("stop", "only some workers run"), history
    if run.kind == "hanging":
        return Action("stop", f"worker {run.worker} ended with {run.code}, others hang"), history
    if run.code == PREEMPTED:
        return Action("launch", "preempted and saved"), history
    return after_crash(f"worker {run.worker} ended with {run.code}", history)


def after_crash(why: str, history: History, kind: str = "launch") -> tuple[Action, History]:
    """Again after 1, 2, 4, 8, 16 looks' time, and never after a sixth crash without a new checkpoint."""
    history = replace(history, crashes=history.crashes + 1)
    if history.crashes > BUDGET:
        return Action("end", f"{why}; {history.crashes} crashes without a new checkpoint", code=1), history
    return Action(kind, f"{why}; crash {history.crashes} of {BUDGET}", after=2.0 ** (history.crashes - 1)), history
