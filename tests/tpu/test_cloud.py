"""What gcloud's answers mean, and when it may be asked several things at once."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cloud import AlreadyThere, Cloud, Node, OutOfQuota, Queue, StockOut, error, version_for
from shell import Answer, Refused, Shell, Unreachable

ERROR = "ERROR: (gcloud.compute.tpus.queued-resources.create) "


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("RESOURCE_EXHAUSTED: Quota limit 'TPUV5sLitepodPerProjectPerZone' has been exceeded. Limit: 0", OutOfQuota),
        ("RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'", Unreachable),
        ('{"code": 8, "message": "There is no more capacity in the zone"}', StockOut),
        ("ALREADY_EXISTS: Resource already exists", AlreadyThere),
        ("PERMISSION_DENIED: Permission 'tpu.nodes.create' denied", Refused),
        ("INVALID_ARGUMENT: Cloud TPU received a bad request. the accelerator v9-8 was not found", Refused),
        ("unrecognized arguments: --best-effort", Refused),
        ("The required property [project] is not currently set. It must be specified", Refused),
        ("UNAVAILABLE: The service is currently unavailable", Unreachable),
        ("", Unreachable),
    ],
)
def test_gcloud_s_errors_are_told_apart(words, kind):
    assert type(error(Answer(1, "", f"Waiting...\n{ERROR}{words}" if words else ""))) is kind


@pytest.mark.parametrize(("endpoints", "networks", "workers"), [(1, 0, 1), (4, 0, 4), (4, 1, 4), (8, 2, 4), (0, 0, 0)])
def test_workers_are_counted_from_what_the_api_lists_once_for_each_vm(endpoints, networks, workers):
    found = {"state": "READY", "networkEndpoints": [{}] * endpoints, "networkConfigs": [{}] * networks}
    cloud = Cloud("pod", lambda *_: Answer(0, json.dumps(found), ""))
    assert cloud.node() == Node("READY", workers)


@pytest.mark.parametrize(
    ("why", "state"), [("no such image", "FAILED"), ("There is no more capacity in the zone", "STOCKOUT")]
)
def test_a_failed_request_says_why_and_nothing_free_is_told_apart(why, state):
    found = {"state": {"state": "FAILED", "failedData": {"error": {"message": why}}}}
    cloud = Cloud("pod", lambda *_: Answer(0, json.dumps(found), ""))
    assert cloud.queue() == Queue(state, why)


@pytest.mark.parametrize(
    ("kind", "version"),
    [("v4-8", "tpu-ubuntu2204-base"), ("v5litepod-16", "v2-alpha-tpuv5-lite"), ("v6e-256", "v2-alpha-tpuv6e")],
)
def test_each_kind_of_tpu_has_its_image(kind, version):
    assert version_for(kind) == version


def test_the_first_ssh_is_alone_because_it_makes_the_key_and_the_later_ones_go_together():
    lock, most, now = threading.Lock(), [], []

    def shell(words, timeout):
        with lock:
            now.append(words)
            most.append(len(now))
        time.sleep(0.1)
        with lock:
            now.remove(words)
        return Answer(0, "jaxdl ok", "")

    cloud = Cloud("pod", shell)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda worker: cloud.run(worker, "true"), range(4)))
    assert most[:2] == [1, 1]
    assert max(most) == 3


def test_a_command_that_takes_too_long_dies_with_its_children(tmp_path):
    began = time.monotonic()
    answer = Shell()(["bash", "-c", f"(sleep 1.5; touch {tmp_path}/late) & wait"], 0.2)
    assert (answer.code, time.monotonic() - began < 1.2) == (124, True)
    time.sleep(1.6)
    assert not (tmp_path / "late").exists()
