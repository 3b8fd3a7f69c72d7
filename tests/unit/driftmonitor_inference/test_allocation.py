import resource
import subprocess
import sys

PROGRAM = """
import resource
from driftmonitor_inference.allocation import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        [bytearray(2000) for _ in range(500)]  # small ones: those lie in the heap
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
keep_freed_memory()
faults()
print(usual, faults())
"""


def test_memory_that_was_freed_costs_no_new_pages() -> None:
    program = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    usual, kept = map(int, program.stdout.split())
    pages = 100 * 500 * 2000 // resource.getpagesize()
    assert usual > pages / 2, "the C library gives freed memory back"
    assert kept < pages / 100
