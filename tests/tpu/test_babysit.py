"""The babysitter's decisions, tried on every pair of states the API can name and every state of a run."""

import itertools

import pytest
from babysit import BUDGET, PATIENCE, History, Outcome, Seen, Worker, decide, outcome, own

# From the generated client of the TPU API, v2; ABSENT: it says NOT_FOUND; STOCKOUT: FAILED of that; NEW: a word that it
# may learn.
COMING = ["CREATING", "ACCEPTED", "PROVISIONING", "WAITING_FOR_RESOURCES"]
LOST_QUEUE = ["FAILED", "SUSPENDED", "STOCKOUT"]
LOST_NODE = ["PREEMPTED", "TERMINATED", "STOPPED", "HIDDEN", "UNKNOWN"]
QUEUES = ["STATE_UNSPECIFIED", "ACTIVE", "DELETING", "SUSPENDING", *COMING, *LOST_QUEUE, "ABSENT", "NEW"]
NODES = ["STATE_UNSPECIFIED", "CREATING", "READY", "RESTARTING", "REIMAGING", "DELETING", "REPAIRING", "STOPPING"]
NODES += ["STARTING", "HIDING", "UNHIDING", *LOST_NODE, "ABSENT", "NEW"]
RUNS = [Outcome(kind) for kind in ("bare", "absent", "partial", "running", "stopped", "done", "unreachable")]
RUNS += [Outcome("failed", code=code) for code in (1, 2, 3, 75, 134, 137)] + [Outcome("hanging", code=1)]
UNREACHABLE = Outcome("unreachable")
PAIRS = [
    Seen(queue, node, run)
    for queue, node in itertools.product(QUEUES, NODES)
    for run in (RUNS if node == "READY" else [UNREACHABLE])
]
HISTORIES = [
    History(crashes, useless=useless, dirty=dirty)
    for crashes in (0, BUDGET)
    for useless in (0, PATIENCE)
    for dirty in (False, True)
]


def test_a_node_is_created_only_where_there_is_neither_a_node_nor_a_request():
    for seen, history in itertools.product(PAIRS, HISTORIES):
        creates = decide(seen, history)[0].kind == "create"
        assert creates == ((seen.queue, seen.node) == ("ABSENT", "ABSENT")), seen


def test_workers_are_touched_only_on_a_node_that_is_ready_and_not_being_lost():
    for seen, history in itertools.product(PAIRS, HISTORIES):
        if decide(seen, history)[0].kind in ("setup", "launch", "stop"):
            assert seen.node == "READY"
            assert seen.queue in ("ACTIVE", "ABSENT", *COMING)


def test_what_is_lost_is_deleted_at_once_unless_the_run_has_ended_for_good():
    over = ("done", "stopped")
    for seen, history in itertools.product(PAIRS, HISTORIES):
        ended = seen.run.kind in over or (seen.run.kind == "failed" and seen.run.code in (2, 3))
        given_up = seen.queue == "FAILED" and history.crashes == BUDGET
        if (seen.queue in LOST_QUEUE or seen.node in LOST_NODE) and not ended and not given_up:
            assert decide(seen, history)[0].kind == "delete", seen


def test_a_request_that_always_fails_is_given_up_and_says_why_but_nothing_free_is_waited_for():
    history, waits = History(), []
    for _ in range(BUDGET + 1):
        action, history = decide(Seen("FAILED", "ABSENT", why="no such image"), history)
        waits.append((action.kind, action.after))
        assert "no such image" in action.why
    assert waits == [("delete", 1), ("delete", 2), ("delete", 4), ("delete", 8), ("delete", 16), ("end", 0)]
    assert decide(Seen("STOCKOUT", "ABSENT", why="nothing free"), history)[0].kind == "delete"


def test_no_pair_is_a_dead_end_but_a_request_in_the_queue_and_a_run_that_runs_may_take_their_time():
    for seen in PAIRS:
        history = History()
        for _ in range(PATIENCE + 1):
            action, history = decide(seen, history)
            if action.kind != "wait":
                break
        patient = (seen.queue in COMING and seen.node in ("ABSENT", "CREATING")) or seen.run.kind == "running"
        assert (action.kind == "wait") == patient or seen.queue not in ("ACTIVE", "ABSENT", *COMING), seen
        if action.kind == "wait":
            assert patient, seen


class Model:
    """A cloud that does what it is asked, one step a look; the run it is given succeeds."""

    def __init__(self, seen):
        self.queue, self.node, self.run, self.nodes = seen.queue, seen.node, seen.run, int(seen.node != "ABSENT")

    def seen(self):
        return Seen(self.queue, self.node, self.run if self.node == "READY" else UNREACHABLE)

    def step(self, kind):
        if kind == "create":
            assert self.nodes == 0, "a second node"
            self.queue, self.node, self.run, self.nodes = "WAITING_FOR_RESOURCES", "ABSENT", Outcome("bare"), 1
        elif kind == "delete":
            self.queue, self.node, self.nodes = "ABSENT", "ABSENT", 0
        elif kind in ("setup", "stop"):
            self.run = Outcome("absent")
        elif kind == "launch":
            self.run = Outcome("running")
        elif self.queue in COMING:
            self.queue, self.node = "ACTIVE", "READY"
        elif self.run.kind == "running":
            self.run = Outcome("done")


@pytest.mark.parametrize("start", range(0, len(PAIRS), 40))
def test_from_every_pair_the_run_gets_done_in_the_end_and_there_is_never_a_second_node(start):
    for seen in PAIRS[start : start + 40]:
        model, history = Model(seen), History()
        for _ in range(PATIENCE + 12):
            action, history = decide(model.seen(), history)
            if action.kind == "end":
                break
            model.step(action.kind)
        ended_before = seen.run.kind == "stopped" or (seen.run.kind == "failed" and seen.run.code in (2, 3))
        assert action.kind == "end", seen
        assert ended_before or action.code == 0, seen


@pytest.mark.parametrize(("code", "kind"), [(0, "end"), (1, "launch"), (2, "end"), (3, "end"), (75, "launch")])
def test_the_exit_codes_of_a_run_are_the_input(code, kind):
    seen = Seen("ACTIVE", "READY", outcome([Worker(0, "ended", code, 1.0), Worker(1, "ended", code, 2.0)]))
    action, _ = decide(seen, History())
    assert action.kind == kind
    assert action.code == (code if kind == "end" else 0)
    assert (action.after > 0) == (code == 1)


@pytest.mark.parametrize(("queue", "node"), [("ACTIVE", "READY"), ("SUSPENDED", "PREEMPTED"), ("ABSENT", "ABSENT")])
def test_a_run_stopped_by_hand_ends_the_babysitter_and_nothing_is_made_or_started(queue, node):
    _, history = decide(Seen("ACTIVE", "READY", Outcome("running")), History())
    action, _ = decide(Seen(queue, node, Outcome("stopped")), history)
    assert (action.kind, action.code) == ("end", 75)


def test_what_was_stopped_before_the_babysitter_came_goes_on():
    action, history = decide(Seen("ACTIVE", "READY", Outcome("stopped")), History())
    assert action.kind == "launch"
    assert decide(Seen("ACTIVE", "READY", Outcome("stopped")), history)[0].kind == "end"


@pytest.mark.parametrize("kind", ["bare", "absent", "partial", "hanging", "failed"])
def test_only_a_run_that_runs_gives_the_patience_back(kind):
    assert decide(Seen("ACTIVE", "READY", Outcome(kind, code=1)), History(useless=7))[1].useless == 7
    assert decide(Seen("ACTIVE", "READY", Outcome("running")), History(useless=7))[1].useless == 0


@pytest.mark.parametrize("over", ["ended", "stopped", "lost"])
def test_what_has_ended_of_other_code_or_another_command_is_as_if_it_had_never_been(over):
    old, new = Worker(0, over, 0, 1.0, 5, what="old"), Worker(1, over, 0, 1.0, what="new")
    running, bare = Worker(2, "running", what="old"), Worker(3, "bare")
    assert own([old, new, bare], "new") == [Worker(0, "absent", step=5), new, bare]
    assert own([old, new, running], "new") == [old, new, running]


def test_crashes_wait_longer_each_time_and_a_new_checkpoint_makes_the_next_the_first_again():
    def crash(step, history):
        return decide(Seen("ACTIVE", "READY", Outcome("failed", code=1, step=step)), history)

    history, waits = History(), []
    for step in (0, 0, 0, 7, 7):
        action, history = crash(step, history)
        waits.append(action.after)
    assert waits == [1, 2, 4, 1, 2]
    _, history = decide(Seen("ACTIVE", "READY", Outcome("running", step=8)), history)
    for _ in range(BUDGET):
        action, history = crash(8, history)
        assert action.kind == "launch"
    action, _ = crash(8, history)
    assert (action.kind, action.code) == ("end", 1)


def test_a_node_made_anew_is_neither_dirty_nor_useless_but_the_crashes_are_remembered():
    _, history = decide(Seen("ACTIVE", "READY", Outcome("absent")), History(3, 40, PATIENCE, dirty=True))
    assert history == History(3, 40, looked=True)


def test_the_first_to_fail_is_the_one_that_is_blamed_not_those_who_died_of_it():
    workers = [Worker(0, "ended", 134, 20.0), Worker(1, "ended", 2, 10.0), Worker(2, "ended", 134, 21.0)]
    assert outcome(workers) == Outcome("failed", worker=1, code=2)
    assert outcome([*workers, Worker(3, "lost")]) == Outcome("failed", worker=3, code=137)


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        (["running", "running"], "running"),
        (["running", "ended 0"], "running"),
        (["running", "absent"], "partial"),
        (["running", "stopped"], "partial"),
        (["running", "ended 1"], "hanging"),
        (["running", "lost"], "hanging"),
        (["running", "unreachable"], "unreachable"),
        (["ended 0", "ended 0"], "done"),
        (["ended 0", "ended 1"], "failed"),
        (["ended 1", "unreachable"], "unreachable"),
        (["ended 2", "unreachable"], "failed"),
        (["running", "ended 1", "unreachable"], "unreachable"),
        (["ended 1", "bare"], "bare"),
        (["ended 0", "lost"], "failed"),
        (["stopped", "stopped"], "stopped"),
        (["stopped", "ended 75"], "stopped"),
        (["stopped", "ended 75", "running"], "hanging"),
        (["stopped", "absent"], "absent"),
        (["absent", "bare"], "bare"),
        ([], "unreachable"),
    ],
)
def test_workers_taken_together(states, kind):
    found = [
        Worker(i, state.split()[0], int(state.split()[1]) if " " in state else None) for i, state in enumerate(states)
    ]
    assert outcome(found).kind == kind


def test_where_no_node_can_ever_be_reached_they_are_not_made_without_end():
    history, deleted = History(), 0
    for _ in range((BUDGET + 1) * (PATIENCE + 1)):
        action, history = decide(Seen("ACTIVE", "READY", UNREACHABLE), history)
        deleted += action.kind == "delete"
        if action.kind == "end":
            break
    assert (deleted, action.kind, action.code) == (BUDGET, "end", 1)
