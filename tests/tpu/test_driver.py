"""The loops that look again and again, with a pod that says what it is told to say."""

from types import SimpleNamespace

import driver
import pytest
import workers
from babysit import PATIENCE, Outcome, Seen, Worker
from cloud import Node, Queue
from shell import Failed, Shell, Unreachable

READY = Seen("ACTIVE", "READY", Outcome("absent"))
LOST = Seen("ACTIVE", "PREEMPTED")


@pytest.fixture
def babysat(monkeypatch):
    """Plays what is seen, the last of it again and again; what was done, until `end` or for a hundred acts."""

    def play(looks, **acts):
        done, left = [], list(looks)
        monkeypatch.setattr(driver, "observe", lambda *_: left.pop(0) if len(left) > 1 else left[0])
        monkeypatch.setattr(driver.time, "sleep", lambda _: None)

        def act(name):
            def one():
                done.append(name)
                if len(done) == 100:
                    raise KeyboardInterrupt
                return acts.get(name, lambda: 0)()

            return one

        names = ("create", "setup", "launch", "stop", "delete")
        pod = SimpleNamespace(name="pod")
        try:
            driver.babysit(pod, "run", "what", {name: act(name) for name in names}, 0.0)
        except KeyboardInterrupt:
            done.append("for ever")
        return done

    monkeypatch.setattr(driver, "first_failed", lambda *_: "")
    return play


def fails(times, error):
    """An act that fails so many times."""
    left = [error] * times

    def act():
        if left:
            raise left.pop()

    return act


@pytest.mark.parametrize(("act", "seen"), [("delete", LOST), ("create", Seen("ABSENT", "ABSENT"))])
def test_an_api_that_is_out_costs_no_crash(babysat, act, seen):
    done = babysat([*[seen] * 9, Seen("ACTIVE", "READY", Outcome("done"))], **{act: fails(8, Unreachable("out"))})
    assert done == [act] * 9


@pytest.mark.parametrize(
    ("act", "seen"), [("launch", "absent"), ("setup", "bare"), ("stop", "hanging"), ("launch", "failed")]
)
def test_a_worker_that_an_act_never_reaches_costs_the_patience_and_then_the_node(babysat, act, seen):
    seen = Seen("ACTIVE", "READY", Outcome(seen, code=1))
    done = babysat([seen], **{act: fails(1000, Unreachable("no answer"))})
    assert done[: PATIENCE + 1] == [act] * PATIENCE + ["delete"]


def test_a_dirty_node_is_deleted_also_where_the_first_delete_does_not_get_through(babysat):
    hanging = Seen("ACTIVE", "READY", Outcome("hanging", code=1))
    done = babysat([hanging, READY, READY, Seen("ABSENT", "ABSENT"), Seen("ACTIVE", "READY", Outcome("done"))],
                   stop=lambda: True, delete=fails(1, Unreachable("out")))  # fmt: skip
    assert done == ["stop", "delete", "delete", "create"]


def test_a_run_stopped_by_hand_while_it_waits_to_be_started_again_is_not(babysat):
    crashed, stopped = (Seen("ACTIVE", "READY", Outcome(kind, code=1)) for kind in ("failed", "stopped"))
    assert babysat([crashed, stopped]) == []


class Pod:
    """What is seen of it, look by look."""

    name, shell = "pod", Shell()

    def __init__(self, *nodes):
        self.nodes = list(nodes)

    def queue(self):
        return Queue("ABSENT")

    def node(self):
        now = self.nodes.pop(0)
        if now == "out":
            raise Unreachable("the API is out")
        return Node(now, 1)


@pytest.mark.parametrize(
    ("state", "nodes", "says"),
    [
        ("unreachable", ["READY", "out", "PREEMPTED"], "pod is PREEMPTED: type `delete pod`, then `create`"),
        ("bare", ["READY"], "run is no longer on every worker of pod: type `setup pod`"),
        ("absent", ["READY"], "run is no longer on every worker"),
    ],
)
def test_a_watch_ends_where_nothing_is_left_to_watch(monkeypatch, state, nodes, says):
    looks = iter([[Worker(0, state)]] * 9)
    monkeypatch.setattr(workers, "look", lambda *_: next(looks))
    with pytest.raises(Failed, match=says):
        driver.watch(Pod(*nodes), 1, "run", 0.0, 0)


def test_a_watch_tells_of_the_failed_worker_though_another_is_never_reached(monkeypatch):
    monkeypatch.setattr(workers, "look", lambda *_: [Worker(0, "ended", 5, 1.0), Worker(1, "unreachable")])
    monkeypatch.setattr(workers, "log", lambda *_: "")
    assert driver.watch(Pod("READY", "READY", "READY"), 2, "run", 0.01, 0) == 5


def test_a_node_that_somebody_deletes_while_it_is_waited_for_will_not_come():
    with pytest.raises(Failed, match="pod will not come: queue ABSENT, node ABSENT"):
        driver.until_ready(Pod("ABSENT"), 0.0)
