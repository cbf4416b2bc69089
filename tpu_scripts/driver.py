"""Looks at a pod again and again: until it is ready, until a run has ended, or for as long as a run needs it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import environment
import workers
from babysit import LOST_NODE, LOST_QUEUE, Action, History, Outcome, Seen, Worker, after_crash, decide, outcome, own
from cloud import ABSENT, AlreadyThere, StockOut
from local import home
from shell import Failed, NotReady, Refused, Unreachable
from workers import Pod

LINES = 40  # of the log of the worker that failed first


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {environment.masked(text, os.environ)}", flush=True)


def until_ready(pod: Pod, every: float) -> int:
    """Waits for a node that was asked for. Failed where it will not come."""
    before = ""
    while True:
        queue, node = pod.queue(), pod.node()
        if pod.shell.dry_run:
            return 0
        if (now := f"queue {' '.join([queue.state, queue.why]).strip()}, node {node.state}") != before:
            say(now)
        if node.state == "READY":
            return 0
        nothing = (queue.state, node.state) == (ABSENT, ABSENT)
        if nothing or queue.state in LOST_QUEUE or node.state in LOST_NODE:
            raise Failed(f"{pod.name} will not come: {now}; type `delete {pod.name}`, then `create` again")
        before = now
        time.sleep(every)


def line(worker: Worker) -> str:
    code = "" if worker.code is None else f" with exit code {worker.code}"
    step = "" if worker.step < 0 else f", newest checkpoint at step {worker.step}"
    return f"worker {worker.index}: {worker.state}{code}{step}"


def first_failed(pod: Pod, run: str, seen: Outcome) -> str:
    """Which worker failed first, and its last lines."""
    try:
        tail = workers.log(pod, seen.worker, run, LINES)
    except Failed as error:
        tail = str(error)
    others = "; others still run: type `stop`" if seen.kind == "hanging" else ""
    said = f"worker {seen.worker} failed first, with exit code {seen.code}{others}; the end of its log:\n{tail}"
    return environment.masked(said.rstrip(), os.environ)


def check_pod(pod: Pod, run: str, seen: Outcome) -> None:
    """Failed where a run that nothing is seen of will not be seen again."""
    try:
        state = pod.node().state
    except Unreachable:
        return
    if state != "READY":
        raise Failed(f"{pod.name} is {state}: type `delete {pod.name}`, then `create`, `setup` and `launch` again")
    if seen.kind != "unreachable":
        raise Failed(f"{run} is no longer on every worker of {pod.name}: type `setup {pod.name}`, then `launch` again")


def watch(pod: Pod, count: int, run: str, every: float, grace: int) -> int:
    """The exit code of a run that has ended on every worker, or on one while the others hang for longer than grace.

    Failed where the node is gone.
    """
    before: list[Worker] = []
    failed_at = float("inf")
    while True:
        found = workers.look(pod, count, run)
        for worker in found:
            if worker not in before:
                say(line(worker))
        before, seen = found, outcome(found)
        if seen.kind in ("unreachable", "bare", "absent"):
            check_pod(pod, run, seen)
        if seen.kind in ("hanging", "unreachable") and seen.code:
            failed_at = min(failed_at, time.monotonic())
        if seen.kind == "failed" or time.monotonic() > failed_at + grace:
            say(first_failed(pod, run, seen))
            return seen.code
        if seen.kind == "stopped":
            say("stopped by hand")
            return seen.code
        if seen.kind == "done":
            say(f"done; the end of worker 0's log:\n{workers.log(pod, 0, run, 5).rstrip()}")
            return 0
        time.sleep(every)


def observe(pod: Pod, run: str, what: str) -> Seen:
    """One look: the queue first, so that a node that comes in between is not taken for one that vanished."""
    queue, node = pod.queue(), pod.node()
    if node.state != "READY":
        return Seen(queue.state, node.state, why=queue.why)
    return Seen(queue.state, node.state, outcome(own(workers.look(pod, node.workers, run), what)), queue.why)


@contextlib.contextmanager
def alone(pod: Pod) -> Iterator[None]:
    """Refused where somebody on this machine watches over the same pod."""
    home().mkdir(parents=True, exist_ok=True)
    with open(home() / f"{pod.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"{pod.name} has a babysitter on this machine already") from None
        yield


def babysit(pod: Pod, run: str, what: str, acts: Mapping[str, Callable[[], int | None]], every: float) -> int:
    """Does what `decide` says, until the run is done or won't ever be: its exit code.

    what  names the code and the command, see workers.what
    acts  create, setup, launch, stop and delete; stop says whether it left a node dirty
    """
    history, said = History(), Action("", "")
    while True:
        try:
            seen = observe(pod, run, what)
        except Failed as error:
            say(f"looking failed: {error}")
            time.sleep(every)
            continue
        before = history
        action, history = decide(seen, before)
        if action.kind != "wait" or action != said:
            say(f"{action.kind}: {action.why}")
        said = action
        if action.kind == "end":
            return farewell(pod, run, seen, action)
        time.sleep(every * (1 if action.kind == "wait" else action.after))
        try:
            if action.after and observe(pod, run, what).run.kind == "stopped":
                continue  # by hand, while we waited to start it again
            if acts.get(action.kind, lambda: None)():
                history = replace(history, dirty=True)
        except StockOut as error:
            say(str(error))
            time.sleep(every)
        except (Unreachable, NotReady, AlreadyThere) as error:  # nothing was done, and nobody's crash: look again
            say(str(error))
            history = replace(before, useless=before.useless + 1)
            time.sleep(every)
        except (Failed, Refused) as error:
            if action.kind == "create" and isinstance(error, Refused):
                raise
            action, history = after_crash(str(error), history)
            say(action.why)
            if action.kind == "end":
                return farewell(pod, run, seen, action)
            time.sleep(every * action.after)


def farewell(pod: Pod, run: str, seen: Seen, action: Action) -> int:
    """The exit code, after what there is to say."""
    if action.code and seen.run.kind == "failed":
        say(first_failed(pod, run, seen.run))
    if seen.node != ABSENT:
        say(f"{pod.name} is still there and still costs: type `delete {pod.name}` when you have what you need")
    return action.code
