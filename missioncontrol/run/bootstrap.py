"""Makes the virtual environment; runs with nothing but Python, before anything is installed.

``python3 missioncontrol/run/bootstrap.py requirements.txt`` does nothing when the environment
already holds those pins. It checks what the system must bring before it starts any work.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
LINES_OF_FAILURE = 25


class MissingError(Exception):
    """The system lacks something; the text names the package to install."""


def main(names: list[str]) -> int:
    """Install the requirement files ``names``; return the exit code."""
    folder = Path(os.environ.get("VENV", ROOT / ".venv"))
    files = [ROOT / name for name in names]
    try:
        if is_current(folder, files):
            return 0
        check_system()
        create(folder)
        install(folder, files)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command to go on.", file=sys.stderr)
        return 130
    for stamp in folder.glob(".installed-*"):
        stamp.unlink()
    stamp_of(folder, files).touch()
    return 0


def all_files(files: list[Path]) -> list[Path]:
    """The files with those that they include."""
    found: list[Path] = []
    for file in files:
        found.append(file)
        for line in file.read_text().splitlines():
            if line.startswith("-r "):
                found += all_files([file.parent / line[3:].strip()])
    return list(dict.fromkeys(found))


def stamp_of(folder: Path, files: list[Path]) -> Path:
    """The empty file that says: these pins are installed for this Python."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for file in all_files(files):
        digest.update(file.read_bytes())
    scope = "dev" if any("dev" in file.name for file in files) else "run"
    return folder / f".installed-{scope}-{digest.hexdigest()[:16]}"


def is_current(folder: Path, files: list[Path]) -> bool:
    """Whether the environment works and holds the pins (development pins hold the others)."""
    if not (folder / "bin/python").exists():
        return False
    development = [*files, ROOT / "requirements-dev.txt"]
    return stamp_of(folder, files).exists() or stamp_of(folder, development[-1:]).exists()


def check_system() -> None:
    """Raise MissingError, naming the package, when the system cannot make an environment."""
    if sys.version_info < OLDEST:
        raise MissingError(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Name another one: make run "
            "PYTHON=python3.12"
        )
    for module in ("venv", "ensurepip"):
        if not _has(module):
            raise MissingError(_package_hint(f"Python's module '{module}' is missing.", venv=True))
    if sys.platform == "linux" and _libc_is_too_old():
        raise MissingError("The bundled services need glibc 2.28 or newer (Debian 10, RHEL 8).")


def _has(module: str) -> bool:
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True)
    return done.returncode == 0


def _libc_is_too_old() -> bool:
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    parts = re.findall(r"\d+", version)
    return name == "glibc" and tuple(map(int, parts[:2])) < (2, 28)


def _package_hint(reason: str, *, venv: bool = False) -> str:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted = {
        "apt-get": f"apt install python{version}-venv",
        "dnf": f"dnf install python{version}",
        "zypper": f"zypper install python{version.replace('.', '')}",
        "pacman": "pacman -S python",
        "apk": "apk add python3 py3-pip",
    }
    for program, command in wanted.items():
        if shutil.which(program):
            return f"{reason} Install it with: {command}"
    return f"{reason} Install the package that brings it{' (python-venv)' if venv else ''}."


def create(folder: Path) -> None:
    """Make the environment; one that is broken or of another Python is made anew."""
    python = folder / "bin/python"
    if python.exists():
        check = "import sys, pip; print(sys.version_info[:2])"
        done = subprocess.run([python, "-c", check], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == f"{tuple(sys.version_info[:2])}":
            return
    if folder.exists():
        shutil.rmtree(folder)
    print("Creating the virtual environment …", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise MissingError(
            _package_hint(
                f"The virtual environment could not be made: {done.stdout.strip()[-400:]}"
            )
        )


def install(folder: Path, files: list[Path]) -> None:
    """Install the pins, showing how far it is; on failure print the end of pip's own words."""
    wanted = sum(
        1
        for file in all_files(files)
        for line in file.read_text().splitlines()
        if line.strip() and not line.startswith(("-", "#"))
    )
    print(f"Installing {wanted} packages and what they need (once, a minute or two) …", flush=True)
    command = [str(folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--prefer-binary", "--no-input", "--progress-bar", "off"]
    command += [part for file in files for part in ("-r", str(file))]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    words: list[str] = []
    for step in _steps(process, words):
        _show(step)
    if process.wait() != 0:
        print("\n".join(["", *words[-LINES_OF_FAILURE:]]), file=sys.stderr)
        raise MissingError(_reason(words))
    _show("Installed.", end="\n")


def _steps(process: "subprocess.Popen[str]", words: list[str]) -> Iterator[str]:
    """Turn pip's lines into short steps, and keep the lines."""
    found = 0
    for line in process.stdout or ():
        words.append(line.rstrip())
        if line.startswith("Collecting "):
            found += 1
            yield f"  {found:3d} found   {line.split()[1].split('==')[0]}"
        elif line.startswith("Installing collected packages"):
            yield f"  {found:3d} found, unpacking …"


def _show(step: str, end: str = "") -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K{step}", end=end, flush=True)
    elif end or "unpacking" in step:
        print(step, flush=True)


def _reason(words: list[str]) -> str:
    text = "\n".join(words)
    if re.search(r"(gcc|cc|clang|Python\.h).{0,60}(not found|No such file)", text):
        return _compiler_hint()
    if "No matching distribution" in text or "Could not find a version" in text:
        return "A package is not offered for this Python or platform; the lines above name it."
    if re.search(r"Temporary failure|ConnectionError|Max retries|NewConnection|timed out", text):
        return "The package index cannot be reached. Check the network or the proxy settings."
    if "No space left on device" in text:
        return "The disk is full: about 500 MB are needed."
    return "Installing failed; the reason stands above."


def _compiler_hint() -> str:
    return (
        "A package has to be compiled for this platform, and there is no C compiler. Install one: "
        "apt install build-essential python3-dev (Debian, Ubuntu), "
        "dnf install gcc python3-devel (Fedora, RHEL), xcode-select --install (macOS)."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements.txt"]))
