"""kill -9 at ten random moments, the same command again each time: the end is the one of a run never killed."""

import random
import signal
import time

FLAGS = ("--steps", "600", "--checkpoint-every", "10")


def test_ten_kills_change_no_bit_of_the_end(launcher, tmp_path):
    chance = random.Random(0)
    for _ in range(10):
        process = launcher.start(*FLAGS, PAUSE="0.03")
        assert process.stdout.readline().startswith("run directory")
        assert process.stdout.readline().startswith("step")  # it trains
        time.sleep(chance.uniform(0.0, 1.0))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert launcher.run(*FLAGS)[0] == 0
    undisturbed = type(launcher)(tmp_path / "undisturbed")
    assert undisturbed.run(*FLAGS)[0] == 0
    assert launcher.summary["state_digest"] == undisturbed.summary["state_digest"]
    assert launcher.trained == list(range(1, 601))
    assert launcher.summary["restarts"] == 10
