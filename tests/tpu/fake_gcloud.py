"""A stand-in for gcloud: knows its flags, writes down how it was called, and plays the scenario in $FAKE_CLOUD.

A VM is a directory; what ssh brings runs there in an environment of its own, as the far end's shell would read it.
It is called some thousand times, so it imports little.
"""

import fcntl
import json
import os
import sys

ROOT = os.environ["FAKE_CLOUD"]
# What the argument parser of gcloud 528.0.0 takes, as far as it is used here.
PLACE = {"--zone", "--project", "--quiet"}
KNOWN = {
    "queued-resources create": PLACE | {"--node-id", "--accelerator-type", "--runtime-version", "--spot"},
    "queued-resources describe": PLACE | {"--format"},
    "queued-resources delete": PLACE | {"--force"},
    "tpu-vm describe": PLACE | {"--format"},
    "tpu-vm delete": PLACE,
    "tpu-vm ssh": PLACE | {"--worker", "--command"},
    "tpu-vm scp": PLACE | {"--worker"},
}
MESSAGES = {
    "quota": "RESOURCE_EXHAUSTED: Quota limit 'TPUV5sLitepodPerProjectPerZone' has been exceeded. Limit: 0 in zone z.",
    "stockout": '{"code": 8, "message": "There is no more capacity in the zone \\"z\\"; you can try in another zone"}',
    "missing": "NOT_FOUND: Resource 'projects/p/locations/z' was not found",
    "exists": "ALREADY_EXISTS: Resource 'projects/p/locations/z' already exists",
}


def end(code, words):
    print(words, file=sys.stderr)
    sys.exit(code)


def lose(cloud):
    """The node's processes die and its disks are gone."""
    machine = f"{ROOT}/{cloud['machine']}"
    os.system(
        f"for f in {machine}/*/jaxdl/jobs/*/[sg]*[rp]; do kill -9 -- -$(cat $f); done 2>/dev/null; rm -r {machine}"
    )


def reboot(home):
    """A VM's processes and its mounts are gone, its disk is there."""
    os.system(f"kill -9 -- -$(cat {home}/jobs/run/supervisor) -$(cat {home}/jobs/run/group); rm {home}/shared")
    os.makedirs(f"{home}/shared/runs")
    for name in ("ready", "jobs/run/boot"):
        with open(f"{home}/{name}", "w") as file:
            file.write("the boot before\n")


def create(cloud, flags):
    if cloud["node"] or cloud["queue"]:
        end(1, f"ERROR: (gcloud) {MESSAGES['exists']}")
    if cloud["create_errors"]:
        end(1, f"ERROR: (gcloud) {MESSAGES[cloud['create_errors'].pop(0)]}")
    cloud["queue"], cloud["made"] = [*cloud["coming"], "ACTIVE"], cloud["made"] + 1


def bring_up(cloud):
    cloud["node"], cloud["machine"] = "READY", f"machine-{cloud['made']}"
    for worker in range(cloud["workers"]):
        os.makedirs(f"{ROOT}/{cloud['machine']}/worker-{worker}")


def describe_queue(cloud, flags):
    if not cloud["queue"]:
        end(1, f"ERROR: (gcloud) {MESSAGES['missing']}")
    state = cloud["queue"][0]
    if len(cloud["queue"]) > 1:
        cloud["queue"].pop(0)
    elif state == "ACTIVE" and not cloud["node"]:
        bring_up(cloud)
    reason = {"failedData": {"error": {"message": MESSAGES[cloud["reason"]]}}} if state == "FAILED" else {}
    print(json.dumps({"state": {"state": state, **reason}}))


def describe_node(cloud, flags):
    cloud["looks"] += 1
    if cloud["looks"] == cloud["preempt_at_look"]:
        lose(cloud)
        cloud["node"], cloud["machine"] = "PREEMPTED", ""
    if not cloud["node"]:
        end(1, f"ERROR: (gcloud) {MESSAGES['missing']}")
    endpoints = [{"ipAddress": f"10.0.0.{i}"} for i in range(cloud["workers"])]
    print(json.dumps({"state": cloud["node"], "networkEndpoints": endpoints}))


def delete_queue(cloud, flags):
    if not cloud["queue"]:
        end(1, f"ERROR: (gcloud) {MESSAGES['missing']}")
    if cloud["node"] and "--force" not in flags:
        end(1, "ERROR: (gcloud) FAILED_PRECONDITION: it has a node")
    cloud["queue"] = []
    remove(cloud)


def delete_node(cloud, flags):
    if not cloud["node"]:
        end(1, f"ERROR: (gcloud) {MESSAGES['missing']}")
    remove(cloud)


def remove(cloud):
    if cloud["machine"]:
        lose(cloud)
    cloud["node"], cloud["machine"] = "", ""


def reach(cloud, worker, command):
    """Whether ssh gets through now, after what the scenario has for this moment."""
    if "poll" in command.split():
        cloud["polls"] += 1
        event = cloud["at_poll"].pop(str(cloud["polls"]), "")
        if event == "preempt":
            lose(cloud)
            cloud["node"], cloud["machine"] = "PREEMPTED", ""
        elif event == "vanish":
            delete_queue(cloud, {"--force"})
        elif event == "reboot":
            reboot(f"{ROOT}/{cloud['machine']}/worker-{worker}/jaxdl")
        elif event == "silence":
            cloud["ssh_fails"]["1"] = 3 * 21
    fails = cloud["ssh_fails"].get(worker, 0)
    if fails and cloud["node"]:
        cloud["ssh_fails"][worker] = fails - 1
    if cloud["node"] != "READY" or fails:
        return "ERROR: (gcloud) [/usr/bin/ssh] exited with return code [255]."
    return ""


def ssh(cloud, flags):
    problem = reach(cloud, flags["--worker"], flags["--command"])
    yield
    if flags["--worker"] in cloud["ssh_hangs"]:
        os.execvp("sleep", ["sleep", "600"])
    if flags["--worker"] == cloud.get("slow_to_stop") and " stop " in flags["--command"]:
        os.system("sleep 1")
    if problem:
        end(255, problem)
    words = flags["--command"].split(" ")  # gcloud cuts at each space, ssh joins again
    home = f"{ROOT}/{cloud['machine']}/worker-{flags['--worker']}"
    os.chdir(home)
    far = {"PATH": f"{ROOT}/bin-of-vm:/usr/bin:/bin", "HOME": home, "FAKE_CLOUD": ROOT}
    os.execve("/bin/bash", ["bash", "-c", " ".join(words)], far)


def scp(cloud, flags):
    problem = reach(cloud, flags["--worker"], "")
    yield
    if problem or flags["--worker"] in cloud["scp_fails"]:
        end(255, problem)
    *sources, target = flags["words"]
    if any("/env" in source and os.stat(source).st_mode & 0o77 for source in sources):
        end(1, "others can read the variables")
    directory = target.partition(":")[2]
    goal = f"{ROOT}/{cloud['machine']}/worker-{flags['--worker']}/{directory}"
    if not os.path.isdir(goal):
        end(1, f"scp: {directory}: No such file or directory")
    os.execvp("cp", ["cp", *sources, goal])


def main():
    words = sys.argv[1:]
    command, rest = " ".join(words[2:4]), words[4:]
    if words[:2] != ["compute", "tpus"] or command not in KNOWN:
        end(2, f"ERROR: (gcloud) Invalid choice: {words!r}")
    flags = {"words": [word for word in rest if not word.startswith("--")]}
    flags |= {name: value for name, _, value in (word.partition("=") for word in rest if word.startswith("--"))}
    if unknown := set(flags) - KNOWN[command] - {"words"}:
        end(2, f"ERROR: (gcloud) unrecognized arguments: {unknown}")
    acts = dict(zip(KNOWN, (create, describe_queue, delete_queue, describe_node, delete_node, ssh, scp), strict=True))
    with open(f"{ROOT}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(f"{ROOT}/calls.jsonl", "a") as calls:
            calls.write(json.dumps(words) + "\n")
        with open(f"{ROOT}/cloud.json") as file:
            cloud = json.load(file)
        try:
            later = acts[command](cloud, flags)
            if later is not None:
                next(later)
        finally:
            with open(f"{ROOT}/cloud.json", "w") as file:
                json.dump(cloud, file)
    if later is not None:
        next(later, None)


if __name__ == "__main__":
    main()
