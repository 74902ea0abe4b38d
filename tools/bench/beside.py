"""The program, run beside a script: when it listens, and what memory it has."""
import pathlib
import re
import subprocess
import sys
import time


def listening(line, folder, says, stdout=subprocess.DEVNULL):
    """Starts the program; once its standard error, which goes to `folder`/said, has what `says` tells, with a port in
    parentheses: the process and the port."""
    said = folder / "said"
    with open(said, "w") as err:
        process = subprocess.Popen(line, stderr=err, stdout=stdout, text=True)
    while not (found := re.search(says, said.read_text())):
        if process.poll() is not None:
            sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {said.read_text()}")
        time.sleep(0.05)
    return process, int(found[1])


def status(pid, key):
    """A number of /proc/PID/status: VmRSS (kB), Threads."""
    return int(re.search(rf"{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
