"""What the bundled services of a data folder need to know again at the next start."""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from missioncontrol.run.ports import is_free, random_free

DATABASE = OWNER = "missioncontrol"
APPLICATION = "missioncontrol_app"
# A socket's path may have 107 bytes; the longest name in the folder is `.s.PGSQL.65535.lock`.
_LONGEST_SOCKET_FOLDER = 85


def _password() -> str:
    return secrets.token_hex(24)


@dataclass
class ServiceState:
    """Passwords, ports and the socket folder; kept in ``services.json`` (0600)."""

    socket_folder: str
    postgres_port: int
    valkey_port: int
    admin_password: str = field(default_factory=_password, repr=False)
    owner_password: str = field(default_factory=_password, repr=False)
    password: str = field(default_factory=_password, repr=False)
    valkey_password: str = field(default_factory=_password, repr=False)
    prepared: int = 0

    @property
    def database_url(self) -> str:
        """Address of the database for the product, which may not alter the audit record."""
        return self._database_url(APPLICATION, self.password)

    @property
    def owner_database_url(self) -> str:
        """Address of the database for migrations and for the throw-away databases of tests."""
        return self._database_url(OWNER, self.owner_password)

    def _database_url(self, role: str, password: str) -> str:
        return (
            f"postgresql://{role}:{password}@/{DATABASE}"
            f"?host={quote(self.socket_folder, safe='')}&port={self.postgres_port}"
        )

    @property
    def redis_url(self) -> str:
        """Address of Valkey, through the socket."""
        return f"unix://:{self.valkey_password}@{quote(self.socket_folder)}/valkey.sock?db=0"


def path_of(data: Path) -> Path:
    """Where the state of ``data`` is kept."""
    return data / "services.json"


def read(data: Path) -> ServiceState | None:
    """Return the stored state, None before the first start."""
    try:
        return ServiceState(**json.loads(path_of(data).read_text()))
    except (FileNotFoundError, PermissionError):
        return None


def load_or_create(data: Path) -> ServiceState:
    """Return the state for a start: the stored one with its ports where they are still free."""
    state = read(data) or ServiceState(
        socket_folder="", postgres_port=random_free(), valkey_port=random_free()
    )
    folder = (data / "run").resolve()
    if len(str(folder).encode()) <= _LONGEST_SOCKET_FOLDER:
        state.socket_folder = str(folder)
    else:  # made anew each time: a name that is known could be taken by somebody else
        state.socket_folder = tempfile.mkdtemp(prefix="missioncontrol-")
    return state


def renew_taken_ports(state: ServiceState) -> None:
    """Choose another port where somebody else listens by now."""
    if not is_free(state.postgres_port):
        state.postgres_port = random_free()
    if not is_free(state.valkey_port):
        state.valkey_port = random_free()


def write(data: Path, state: ServiceState) -> None:
    """Store the state, readable by the owner alone, in one step."""
    path = path_of(data)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(state), file)
    draft.replace(path)
