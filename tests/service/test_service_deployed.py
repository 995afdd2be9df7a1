"""What is said of the service, and what is given to run it, agree with what it does."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from rgnet.service.metrics import Metrics
from rgnet.service.room import Room
from rgnet.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def told() -> str:
    return (ROOT / "docs" / "deployment.md").read_text()


def test_every_setting_is_told_of_with_its_default(told):
    for one in fields(Settings):
        assert (row := re.search(rf"^\|.*`RGNET_{one.name.upper()}`.*$", told, re.M)), one.name
        if isinstance(one.default, int | float):
            assert (
                row[0].split("|")[2].strip() == f"{one.default:g}" or int(row[0].split("|")[2]) == one.default
            )


def test_every_metric_is_told_of(told):
    lines = Metrics(Room(photos=1, size=1)).text().decode().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE rgnet_")}
    # Moments of birth, which a server leaves out
    names = {name for name in names if not name.endswith("_created")}
    assert len(names) == 8 and not [name for name in names if f"`{name}`" not in told]


def test_every_variable_in_deploy_is_one_of_ours():
    known = {f"RGNET_{one.name.upper()}" for one in fields(Settings)}
    named = {name for file in DEPLOY.iterdir() for name in re.findall(r"RGNET_\w+", file.read_text())}
    assert named and named <= known


def test_who_stops_the_service_waits_longer_than_it_takes():
    for file, pattern in (
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
        ("rgnet.service", r"TimeoutStopSec=(\d+)"),
    ):
        assert int(re.search(pattern, (DEPLOY / file).read_text())[1]) > Settings().stop_s


def test_the_unit_is_one_that_systemd_understands(tmp_path):
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "rgnet.service"
    unit.write_text((DEPLOY / "rgnet.service").read_text().replace("/opt/rgnet/bin/rgnet", "/bin/true"))
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and "rgnet.service" not in done.stderr, done.stderr
