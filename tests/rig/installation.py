"""Installs, starts and stops a real OpenClaw gateway on loopback, wired to the scripted model.

    python -m tests.rig install DIR
    python -m tests.rig start DIR --port P --model-port M --token T [--trusted-proxy] [--fresh]
    python -m tests.rig stop DIR
    python -m tests.rig status DIR

Needs npm; Node itself comes from npm too. Every command may be repeated.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

OPENCLAW_VERSION = "2026.9.6"
NODE_VERSION = "24.21.0"
REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = Path(__file__).with_name("config_template.json")
READY_WITHIN_SECONDS = 120.0
_PATIENCE_SECONDS = {"gateway": 30.0, "model": 5.0}
_HASTE_SECONDS = 1.0
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}


class RigError(Exception):
    """The rig could not be installed or started; the text says why."""


@dataclass(frozen=True)
class Installation:
    """A folder with the pinned gateway and its runtime."""

    root: Path

    @property
    def modules(self) -> Path:
        """npm's folder."""
        return self.root / "node_modules"

    @property
    def node(self) -> Path:
        """The Node runtime."""
        return self.modules / node_package() / "bin" / "node"

    @property
    def entry(self) -> Path:
        """The gateway's program."""
        return self.modules / "openclaw" / "openclaw.mjs"

    def is_complete(self) -> bool:
        """Whether the pinned versions are there."""
        wanted = {node_package(): NODE_VERSION, "openclaw": OPENCLAW_VERSION}
        return all(self._version(name) == version for name, version in wanted.items())

    def install(self) -> None:
        """Install the pinned versions if they are missing.

        Raises:
            RigError: npm is missing or failed.
        """
        if self.is_complete():
            return
        if shutil.which("npm") is None:
            raise RigError("npm is missing; install it to test against the real gateway")
        self.root.mkdir(parents=True, exist_ok=True)
        wanted = {node_package(): NODE_VERSION, "openclaw": OPENCLAW_VERSION}
        package = {"name": "openclaw-rig", "private": True, "dependencies": wanted}
        (self.root / "package.json").write_text(json.dumps(package))
        # The packages ship built files; no install script is needed.
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]
        done = subprocess.run(
            [*command, "--loglevel=error"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not self.is_complete():
            raise RigError(f"npm install failed: {done.stderr[-2000:]}")

    def _version(self, name: str) -> str | None:
        try:
            return str(json.loads((self.modules / name / "package.json").read_text())["version"])
        except (OSError, ValueError, KeyError):
            return None


def node_package() -> str:
    """The npm package that holds Node for this machine.

    Raises:
        RigError: there is none.
    """
    try:
        architecture = _ARCHITECTURES[platform.machine().lower()]
        return f"node-{_SYSTEMS[platform.system()]}-{architecture}"
    except KeyError as error:
        raise RigError(
            f"no gateway runtime for {platform.system()} {platform.machine()}"
        ) from error


@dataclass(frozen=True)
class Rig:
    """A gateway with its scripted model: where they listen and keep their state.

    Attributes:
        exec_mode: ``tools.exec.mode``.
        trusts_proxy: honour ``X-Forwarded-For`` from here, so that a client can be "remote".
    """

    installation: Installation
    state: Path
    port: int
    model_port: int
    token: str
    exec_mode: str = "ask"
    trusts_proxy: bool = False

    @property
    def url(self) -> str:
        """WebSocket address of the gateway."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self, *, fresh: bool = False) -> None:
        """Start both, unless they run; returns when the gateway is ready.

        Raises:
            RigError: not ready in time; the text ends with the last log lines.
        """
        if fresh:
            self.stop(is_thrown_away=True)
            shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.pid("gateway") and self.pid("model") and self._is_ready():
            return
        self.stop()
        self._write_config()
        log = str(self.state / "model-requests.jsonl")
        model = ["-m", "tests.rig.model", "--port", str(self.model_port), "--log", log]
        self._spawn("model", [sys.executable, *model], dict(os.environ), REPOSITORY)
        gateway = ["gateway", "run", "--port", str(self.port), "--bind", "loopback"]
        program = [str(self.installation.node), str(self.installation.entry)]
        self._spawn("gateway", [*program, *gateway, "--auth", "token"], self._env(), self.state)
        self._wait()

    def stop(self, *, is_thrown_away: bool = False) -> None:
        """Stop what this rig started; may be repeated.

        Args:
            is_thrown_away: nobody reads its state again, so it need not end in good order.
        """
        for name, patience in _PATIENCE_SECONDS.items():
            pid = self.pid(name)
            if pid:
                self._end(name, pid, _HASTE_SECONDS if is_thrown_away else patience)
            (self.state / f"{name}.pid").unlink(missing_ok=True)

    def pid(self, name: str) -> int | None:
        """Process id on file, if that very process still runs."""
        try:
            number, born = (self.state / f"{name}.pid").read_text().split()
        except (OSError, ValueError):
            return None
        return int(number) if _born(int(number)) == born else None

    def model_requests(self) -> list[dict[str, object]]:
        """The last requests that the model received: what the agents really see."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.model_port}/requests") as answer:
            found: list[dict[str, object]] = json.load(answer)
            return found

    def _is_ready(self) -> bool:
        return _answers(f"http://127.0.0.1:{self.port}/readyz") and _answers(
            f"http://127.0.0.1:{self.model_port}/healthz"
        )

    def _wait(self) -> None:
        end = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < end:
            if self._is_ready():
                return
            if not (self.pid("gateway") and self.pid("model")):
                break
            time.sleep(0.25)
        tail = "".join(self._log_tail(name) for name in _PATIENCE_SECONDS)
        self.stop()
        raise RigError(f"the gateway did not become ready:\n{tail}")

    def _log_tail(self, name: str) -> str:
        path = self.state / f"{name}.out"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-15:]) + "\n"

    def _write_config(self) -> None:
        text = TEMPLATE.read_text()
        for mark, value in {
            '"@PORT@"': str(self.port),
            "@TOKEN@": self.token,
            "@STATE@": str(self.state),
            "@MODEL_PORT@": str(self.model_port),
            "@EXEC_MODE@": self.exec_mode,
        }.items():
            text = text.replace(mark, value)
        config = json.loads(text)
        if self.trusts_proxy:
            config["gateway"]["trustedProxies"] = ["127.0.0.1"]
        path = self.state / "openclaw.json"
        if path.exists():  # a second start keeps agents and sessions
            kept = json.loads(path.read_text())
            kept["gateway"] = {**kept.get("gateway", {}), **config["gateway"]}
            kept.setdefault("models", {})["providers"] = config["models"]["providers"]
            config = kept
        path.write_text(json.dumps(config, indent=2))
        path.chmod(0o600)

    def _env(self) -> dict[str, str]:
        names = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
        env = {name: os.environ[name] for name in names if name in os.environ}
        home = self.state / "home"
        home.mkdir(exist_ok=True)
        path = f"{self.installation.node.parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        return env | {
            "PATH": path,
            "HOME": str(home),
            "OPENCLAW_HOME": str(home),
            "OPENCLAW_STATE_DIR": str(self.state),
            "OPENCLAW_CONFIG_PATH": str(self.state / "openclaw.json"),
            "OPENCLAW_OFFLINE": "1",
            "OPENCLAW_NO_AUTO_UPDATE": "1",
            "OPENCLAW_DISABLE_BONJOUR": "1",
            "OPENCLAW_SKIP_CHANNELS": "1",
            "DO_NOT_TRACK": "1",
        }

    def _spawn(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        with (self.state / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                cwd=folder,
                start_new_session=True,
            )
        (self.state / f"{name}.pid").write_text(f"{process.pid} {_born(process.pid)}\n")

    def _end(self, name: str, pid: int, patience: float) -> None:
        for ask in (lambda: os.kill(pid, signal.SIGTERM), lambda: os.killpg(pid, signal.SIGKILL)):
            try:
                ask()
            except ProcessLookupError:
                return
            end = time.monotonic() + patience
            while time.monotonic() < end:
                _reap(pid)
                if self.pid(name) is None:
                    return
                time.sleep(0.1)


def _born(pid: int) -> str | None:
    """Start time of a process, so that a reused id is not taken for the old one."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return None if fields[0] == "Z" else fields[19]
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip().replace(" ", "_") or None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
