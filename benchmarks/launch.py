"""Start one command, wait for it, and print what it took: ``launch.py TIMEOUT LOG PROGRAM [ARGUMENT...]``.

Why a process between the benchmark and the command: Linux starts a child's peak memory at what its parent held
when it was started, so nothing smaller than its parent can be measured. This one holds as little as a Python can
(it is run with ``-I -S`` and imports little), and says how much that is.

Prints: seconds, peak bytes, wait status, 1 if it was stopped at the timeout, and the bytes held by this process.
"""

import contextlib
import os
import signal
import sys
import time


def kill_group(leader: int) -> None:
    """End a process and its children, if they have not ended by themselves."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def held() -> int:
    """Return the most bytes this process has held; not by ``getrusage``, which counts its own parent's too."""
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - pathlib would add to what is held
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM"))


def main() -> int:
    """Run the command that the arguments name, in a process group of its own."""
    timeout, log, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    source = os.open(os.devnull, os.O_RDONLY)
    redirected = [(os.POSIX_SPAWN_DUP2, opened, target) for opened, target in ((source, 0), (sink, 1), (sink, 2))]
    stopped = False
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=redirected, setpgroup=0)

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True
        kill_group(process)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - start
    except KeyboardInterrupt:
        kill_group(process)
        return 130
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(seconds, usage.ru_maxrss * 1024, status, int(stopped), held())
    return 0


if __name__ == "__main__":
    sys.exit(main())
