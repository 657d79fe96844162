"""The sandbox as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import requests

_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "sandbox"], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), end="", flush=True)
"""


def test_it_ends_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-c", _PARENT]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    url = json.loads(told)["zendesk"]
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            requests.get(f"{url}/_sandbox/books", timeout=30)
        except requests.ConnectionError:
            return
        time.sleep(0.1)
    raise AssertionError("the sandbox outlived its parent")
