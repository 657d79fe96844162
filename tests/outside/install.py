"""An outside package as if it were installed: its folder and its metadata on the path, no more.

What `pip install` leaves behind that matters here is a `dist-info` folder with entry points, so
that is written from the package's own pyproject.toml, and nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def installed(package: Path, site: Path) -> list[str]:
    """The path entries under which `package` (a folder with a pyproject.toml) is installed."""
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n", "utf-8"
    )
    groups = project["entry-points"].items()
    (info / "entry_points.txt").write_text(
        "\n".join(
            f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
            for group, points in groups
        )
        + "\n",
        "utf-8",
    )
    return [str(package), str(site)]


def run(
    command: Sequence[str], path: Sequence[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python of ours that finds `path` as well."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *path]), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
