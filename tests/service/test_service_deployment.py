"""The documentation of the service, and the files in deploy/, agree with the code."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rgnet.service.limits import Capacity
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def documentation() -> str:
    return (ROOT / "docs" / "deployment.md").read_text()


def test_every_setting_is_documented_with_its_default(documentation):
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\|.*`RGNET_{name.upper()}`.*$", documentation, re.M)
        assert row, name
        if isinstance(field.default, int | float):
            documented = row[0].split("|")[2].strip()
            assert documented == f"{field.default:g}" or int(documented) == field.default


def test_every_metric_is_documented(documentation):
    lines = Metrics(Capacity(max_photos=1, max_bytes=1)).text().decode().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE rgnet_")}
    # Creation times, which a server leaves out
    names = {name for name in names if not name.endswith("_created")}
    assert len(names) == 9 and not [name for name in names if f"`{name}`" not in documentation]


def test_every_variable_in_deploy_is_one_of_ours():
    known = {f"RGNET_{name.upper()}" for name in Settings.model_fields}
    named = {name for file in DEPLOY.iterdir() for name in re.findall(r"RGNET_\w+", file.read_text())}
    assert named and named <= known


def test_whatever_stops_the_service_waits_for_its_graceful_shutdown():
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
