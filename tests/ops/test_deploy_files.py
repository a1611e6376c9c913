"""The files of an installation fit each other and the product."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from missioncontrol.run.options import ROLES
from missioncontrol.settings.env import Env
from tests.ops.running import ROOT

SCRIPTS = ("install.sh", "uninstall.sh", ".ci/run", "deploy/migrate.sh")
PRODUCT = (
    "missioncontrol",
    "activity",
    "orgs",
    "governance",
    "gateways",
    "boards",
    "agents",
    "manage.py",
)
# Read by the tools themselves, or by every program of the machine.
TOOLS_OWN = {"COMPOSE_PROFILES"}
MACHINE = {"PATH", "XDG_DATA_HOME", "VENV", "DJANGO_SETTINGS_MODULE", "LC_ALL", "TZ"}


def sample() -> dict[str, bool]:
    """Names in .env.example, with whether each is commented out."""
    found = re.findall(r"^(#?)([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.M)
    return {name: bool(mark) for mark, name in found}


def typed() -> set[str]:
    """Names that the typed reader knows."""
    names: set[str] = set()
    for field, info in Env.model_fields.items():
        alias = info.validation_alias
        choices = getattr(alias, "choices", None) or [alias or field.upper()]
        names |= {str(choice) for choice in choices}
    return names


def product_sources() -> Iterator[Path]:
    """Code of the server; the command line client runs elsewhere and has variables of its own."""
    for name in PRODUCT:
        path = ROOT / name
        for file in [path] if path.is_file() else path.rglob("*.py"):
            place = file.relative_to(ROOT)
            is_client = place.is_relative_to("missioncontrol/cli")
            if place != Path("missioncontrol/settings/test.py") and not is_client:
                yield file


def read_directly() -> dict[str, str]:
    """Names that product code takes from the environment past the typed reader."""
    found: dict[str, str] = {}
    for path in product_sources():
        for node in ast.walk(ast.parse(path.read_text())):
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.Subscript) else ""
            known = re.match(
                r"os\.(?:environ(?:\.get|\.setdefault)?|getenv)[(\[]'([A-Z_0-9]+)'", text
            )
            if known:
                found[known[1]] = str(path.relative_to(ROOT))
    return found


def in_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yml").read_text()))


def in_installer() -> set[str]:
    return set(re.findall(r"\bkeep(?:_secret)? ([A-Z_]+) ", (ROOT / "install.sh").read_text()))


def test_every_variable_of_the_sample_is_read() -> None:
    assert set(sample()) - typed() - in_compose() - TOOLS_OWN == set()


def test_every_variable_that_is_read_stands_in_the_sample() -> None:
    read = typed() | in_compose() | in_installer()
    assert read - set(sample()) == set()


def test_product_code_reads_the_environment_through_the_typed_reader() -> None:
    past = {name: at for name, at in read_directly().items() if name not in MACHINE | typed()}
    assert past == {}


def test_sample_shows_the_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    wrong = []
    for field, info in Env.model_fields.items():
        choices = getattr(info.validation_alias, "choices", None) or [field.upper()]
        shown = re.search(rf"^#?{choices[0]}=(.*)$", text, re.M)
        default = info.get_default(call_default_factory=False)
        if shown is None or default is None or info.default_factory is not None:
            continue
        expected = str(default).lower() if isinstance(default, bool) else str(default)
        if expected and shown[1] != expected:
            wrong.append(f"{field}: {shown[1]!r} for {expected!r}")
    assert not wrong


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_parses_and_may_be_run(script: str) -> None:
    done = subprocess.run(["sh", "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.access(ROOT / script, os.X_OK)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text())
    return found


def test_compose_runs_every_role_often_enough() -> None:
    services = compose()["services"]
    roles = [s["command"][1] for s in services.values() if s.get("command", [""])[0] == "--role"]
    assert {role: roles.count(role) for role in set(roles)} == {
        "web": 2,
        "socket": 1,
        "worker": 2,
        "scheduler": 1,
    }
    assert set(roles) <= set(ROLES)
    assert {"db", "redis", "backend", "frontend", "webhook-worker"} <= set(services)


def test_compose_publishes_both_ports_and_keeps_the_stores_private() -> None:
    services = compose()["services"]
    assert services["frontend"]["ports"] == [
        "${BACKEND_PORT:-8000}:8000",
        "${FRONTEND_PORT:-3000}:3000",
    ]
    for store in ("db", "redis"):
        assert all(port.startswith("127.0.0.1:") for port in services[store]["ports"])
    proxy = (ROOT / "deploy/Caddyfile").read_text()
    assert ":8000 {" in proxy
    assert ":3000 {" in proxy


def test_proxy_leads_to_services_that_exist() -> None:
    services = compose()["services"]
    names = set(services)
    for service in services.values():
        networks = service.get("networks", {})
        names |= set(networks.get("default", {}).get("aliases", []))
    targets = set(re.findall(r"\b([a-z0-9-]+):8000\b", (ROOT / "deploy/Caddyfile").read_text()))
    assert targets
    assert targets <= names


def test_only_one_process_brings_the_tables_up_to_date() -> None:
    services = compose()["services"].values()
    flags = [s["environment"].get("DB_AUTO_MIGRATE") for s in services if "environment" in s]
    assert flags.count("true") == 1


def test_compose_file_is_accepted_by_docker(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    probe = [docker, "compose", "version"] if docker else ["false"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        pytest.skip("docker compose is not here")
    shutil.copy(ROOT / "compose.yml", tmp_path)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_package_scripts_name_targets_that_exist() -> None:
    scripts = json.loads((ROOT / "package.json").read_text())["scripts"]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    called = {line.split()[1] for line in scripts.values() if line.startswith("make ")}
    assert {"db:migrate", "dev", "test", "test:e2e"} <= set(scripts)
    assert called <= targets


def install(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name in ("install.sh", "uninstall.sh", ".env.example", "compose.yml"):
        shutil.copy(ROOT / name, folder)
    (folder / "missioncontrol").mkdir(exist_ok=True)
    # Programs that would change the machine are replaced by ones that only succeed.
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("docker", "make"):
        (programs / name).write_text("#!/bin/sh\nexit 0\n")
        (programs / name).chmod(0o755)
    return subprocess.run(
        ["sh", "./install.sh", *arguments],
        cwd=folder,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def settings_of(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))
    return dict(pairs)


def test_installer_keeps_its_secrets_when_run_again(tmp_path: Path) -> None:
    first = install(tmp_path, "--yes", "--start-services", "no")
    assert first.returncode == 0, first.stderr
    before = settings_of(tmp_path)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert len(before["LOCAL_AUTH_TOKEN"]) == 64
    assert before["BASE_URL"] == "http://localhost:8000"
    assert before["LOCAL_AUTH_TOKEN"] not in first.stdout
    second = install(tmp_path, "--yes", "--start-services", "no", "--backend-port", "9000")
    assert second.returncode == 0, second.stderr
    after = settings_of(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"BACKEND_PORT", "BASE_URL"}
    assert list(after) == list(dict.fromkeys(after))


def test_what_the_installer_writes_starts_in_production(tmp_path: Path) -> None:
    token = "operator's token with $ & | and = signs, 0123456789 0123456789"
    done = install(
        tmp_path,
        *("--start-services", "no", "--mode", "docker", "--api-url", "https://mc.example/"),
        *("--local-auth-token", token, "--database-url", "postgresql://u:p@db.example/mc"),
    )
    assert done.returncode == 0, done.stderr
    read = Env(_env_file=tmp_path / ".env", environment="production", data_dir=tmp_path)
    assert read.local_auth_token == token
    assert read.base_url == "https://mc.example"
    assert settings_of(tmp_path)["COMPOSE_PROFILES"] == ""
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--backend-port", "99999"), 2, "not a port"),
        (("--backend-port", "eighty"), 2, "not a port"),
        (("--local-auth-token", "short"), 1, "50 characters"),
        (("--mode", "podman"), 2, "--mode must be one of"),
        (("--db-mode", "external"), 2, "--database-url must begin"),
        (("--api-url", "mc.example"), 2, "--api-url must begin"),
        (("--backend-port", "3000"), 2, "must differ"),
        (("--unknown",), 2, "unknown option"),
        (("--mode",), 2, "needs a value"),
    ],
)
def test_installer_refuses_what_cannot_work(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = install(tmp_path, "--start-services", "no", *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert not (tmp_path / ".env").exists()
