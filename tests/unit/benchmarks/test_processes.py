import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving.processes import keep_on

_ESCAPING = """
import os, sys, threading, time
def escape():
    os.sched_setaffinity(threading.get_native_id(), os.sched_getaffinity(os.getppid()))
    print(flush=True)
    time.sleep(60)
threading.Thread(target=escape, daemon=True).start()
sys.stdin.read()
"""


def test_a_thread_that_bound_itself_to_other_cores_is_brought_back() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("this machine has one core: no thread can leave it")
    with subprocess.Popen([sys.executable, "-c", _ESCAPING], stdin=-1, stdout=-1) as process:
        assert process.stdin and process.stdout
        os.sched_setaffinity(process.pid, cores[:1])
        process.stdout.readline()
        threads = [int(folder.name) for folder in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 2
        assert {len(os.sched_getaffinity(thread)) for thread in threads} == {1, len(cores)}
        keep_on(cores[1:2], process.pid)
        assert all(os.sched_getaffinity(thread) == {cores[1]} for thread in threads)
        process.stdin.close()
