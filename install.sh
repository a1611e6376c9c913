#!/bin/sh
# Installs and starts Mission Control, in containers or directly on this machine. Asks what was not
# given; `--yes` asks nothing. May be run again: secrets and settings that exist are kept.
set -eu

REPOSITORY="${MISSION_CONTROL_REPOSITORY:-https://github.com/openclaw/mission-control.git}"
STATE="${XDG_STATE_HOME:-$HOME/.local/state}/openclaw-mission-control-install"
WAIT_SECONDS=180

mode="" backend_port="" frontend_port="" public_host="" api_url="" token_mode="" token=""
db_mode="" database_url="" start_services="" install_service="no" ask="yes"

usage() {
    cat <<'TEXT'
Usage: ./install.sh [options]
  --mode docker|local           in containers, or directly on this machine        (docker)
  --backend-port PORT           port of the pages and the API                     (8000)
  --frontend-port PORT          second port of the same, containers only          (3000)
  --public-host HOST            name under which others reach this machine        (localhost)
  --api-url URL                 full public address, instead of host and port
  --token-mode generate|manual  make the operator's token, or take yours          (generate)
  --local-auth-token TOKEN      yours, 50 characters or more
  --db-mode docker|external     the database that comes along, or one of yours    (docker)
  --database-url URL            yours
  --start-services yes|no       start at the end                                  (yes)
  --install-service             start at log-in by systemd (local mode, Linux)
  --yes                         ask nothing, take the defaults
  -h, --help                    this text
TEXT
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

while [ $# -gt 0 ]; do
    case "$1" in
    --mode | --backend-port | --frontend-port | --public-host | --api-url | --token-mode | \
        --local-auth-token | --db-mode | --database-url | --start-services)
        [ $# -ge 2 ] || fail "$1 needs a value" 2
        case "$1" in
        --mode) mode="$2" ;;
        --backend-port) backend_port="$2" ;;
        --frontend-port) frontend_port="$2" ;;
        --public-host) public_host="$2" ;;
        --api-url) api_url="$2" ;;
        --token-mode) token_mode="$2" ;;
        --local-auth-token) token="$2" token_mode="${token_mode:-manual}" ;;
        --db-mode) db_mode="$2" ;;
        --database-url) database_url="$2" db_mode="${db_mode:-external}" ;;
        --start-services) start_services="$2" ;;
        esac
        shift 2
        ;;
    --install-service) install_service="yes" && shift ;;
    --yes | -y) ask="no" && shift ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && fail "unknown option $1" 2 ;;
    esac
done
[ -t 0 ] || ask="no"

# answer NAME QUESTION DEFAULT: sets NAME from the terminal unless it was given.
answer() {
    eval "given=\$$1"
    [ -z "$given" ] || return 0
    reply=""
    if [ "$ask" = yes ]; then
        printf '%s [%s]: ' "$2" "$3"
        read -r reply || reply=""
    fi
    eval "$1=\${reply:-\$3}"
}

is_port() {
    case "$1" in '' | *[!0-9]* | ??????*) return 1 ;; esac
    [ "$1" -ge 1 ] && [ "$1" -le 65535 ]
}

# answer_port NAME QUESTION DEFAULT: as answer, until it is a port.
answer_port() {
    while :; do
        answer "$1" "$2" "$3"
        eval "value=\$$1"
        is_port "$value" && return 0
        [ "$ask" = yes ] || fail "$value is not a port (1 to 65535)" 2
        say "$value is not a port (1 to 65535)."
        eval "$1="
    done
}

one_of() {
    for choice in $3; do [ "$2" != "$choice" ] || return 0; done
    fail "$1 must be one of: $3" 2
}

find_checkout() {
    if [ -f compose.yml ] && [ -d missioncontrol ]; then return 0; fi
    here="$(cd "$(dirname "$0")" 2>/dev/null && pwd || true)"
    if [ -n "$here" ] && [ -f "$here/compose.yml" ]; then cd "$here" && return 0; fi
    command -v git >/dev/null 2>&1 || fail "git is missing; install it and run this again"
    [ -d mission-control ] || git clone --depth 1 "$REPOSITORY" mission-control
    cd mission-control
}

package_hint() {
    if command -v apt-get >/dev/null 2>&1; then
        say "apt-get install $1"
    elif command -v dnf >/dev/null 2>&1; then
        say "dnf install $1"
    elif command -v yum >/dev/null 2>&1; then
        say "yum install $1"
    elif command -v zypper >/dev/null 2>&1; then
        say "zypper install $1"
    elif command -v pacman >/dev/null 2>&1; then
        say "pacman -S $1"
    elif command -v brew >/dev/null 2>&1; then
        say "brew install $1"
    else
        say "install $1"
    fi
}

# need PROGRAM PACKAGE: installs it where apt is at hand, otherwise says how.
need() {
    if command -v "$1" >/dev/null 2>&1; then return 0; fi
    if command -v apt-get >/dev/null 2>&1; then
        root="" && [ "$(id -u)" -eq 0 ] || root="sudo"
        say "Installing $2 …"
        $root apt-get update -qq && $root apt-get install -y -qq "$2" >/dev/null
    else
        fail "$1 is missing. Install it with: $(package_hint "$2")"
    fi
}

random_hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

setting() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1; }

# Writes a setting ($1) with its value ($2) in .env in place of an earlier one or of its sample line.
keep() {
    draft="$(mktemp .env.XXXXXX)"
    chmod 600 "$draft"
    NAME="$1" VALUE="$2" awk '
        BEGIN { name = ENVIRON["NAME"]; value = ENVIRON["VALUE"] }
        index($0, name "=") == 1 || index($0, "#" name "=") == 1 {
            if (!done) print name "=" value
            done = 1
            next
        }
        { print }
        END { if (!done) print name "=" value }' .env >"$draft"
    mv "$draft" .env
}

keep_secret() { [ -n "$(setting "$1")" ] || keep "$1" "$2"; }

write_settings() {
    if [ ! -f .env ]; then
        (umask 077 && cp .env.example .env)
    fi
    chmod 600 .env
    keep_secret SECRET_KEY "$(random_hex)"
    keep_secret FIELD_ENCRYPTION_KEY "$(random_hex)"
    if [ "$token_mode" = manual ]; then
        keep LOCAL_AUTH_TOKEN "$token"
    else
        keep_secret LOCAL_AUTH_TOKEN "$(random_hex)"
    fi
    keep BASE_URL "$api_url"
    keep BACKEND_PORT "$backend_port"
    keep FRONTEND_PORT "$frontend_port"
    if [ "$db_mode" = external ]; then
        keep DATABASE_URL "$database_url"
        keep COMPOSE_PROFILES ""
    elif [ "$mode" = docker ]; then
        keep_secret POSTGRES_PASSWORD "$(random_hex)"
    fi
}

wait_for() {
    seconds=0
    until python3 -c "import urllib.request as r; r.urlopen('$1', timeout=3)" >/dev/null 2>&1 ||
        curl -fsS -o /dev/null --max-time 3 "$1" >/dev/null 2>&1; do
        seconds=$((seconds + 2))
        [ "$seconds" -lt "$WAIT_SECONDS" ] || return 1
        sleep 2
    done
}

compose() {
    if docker info >/dev/null 2>&1; then
        docker compose "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo docker info >/dev/null 2>&1; then
        sudo docker compose "$@"
    else
        fail "docker does not answer. Start it, or let $(id -un) use it."
    fi
}

install_docker() {
    command -v docker >/dev/null 2>&1 ||
        fail "docker is missing. Install it as https://docs.docker.com/engine/install/ says."
    docker compose version >/dev/null 2>&1 ||
        fail "docker's compose plugin is missing. Install it with: $(package_hint docker-compose-plugin)"
    [ "$start_services" = yes ] || return 0
    compose up -d --build
    say "Waiting for http://127.0.0.1:$backend_port/healthz …"
    wait_for "http://127.0.0.1:$backend_port/healthz" || {
        compose ps || true
        fail "it did not become ready within $WAIT_SECONDS s. See: docker compose logs backend"
    }
}

install_local() {
    need python3 python3
    need make make
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || need python3-venv python3-venv
    make --no-print-directory install
    mkdir -p "$STATE"
    [ "$install_service" = no ] || write_unit
    [ "$start_services" = yes ] || return 0
    stop_local
    if [ "$install_service" = yes ]; then
        systemctl --user enable --now mission-control.service
    else
        nohup .venv/bin/python -m missioncontrol.run --port "$backend_port" \
            >"$STATE/output.log" 2>&1 &
        echo $! >"$STATE/pid"
    fi
    say "Waiting for http://127.0.0.1:$backend_port/healthz …"
    wait_for "http://127.0.0.1:$backend_port/healthz" || {
        tail -n 20 "$STATE/output.log" 2>/dev/null >&2 || true
        fail "it did not become ready within $WAIT_SECONDS s. See $STATE/output.log"
    }
}

stop_local() {
    [ -f "$STATE/pid" ] || return 0
    old="$(cat "$STATE/pid")"
    if kill -0 "$old" 2>/dev/null; then
        kill "$old"
        while kill -0 "$old" 2>/dev/null; do sleep 0.2; done
    fi
    rm -f "$STATE/pid"
}

write_unit() {
    [ "$(uname -s)" = Linux ] || fail "--install-service is for Linux" 2
    case "$PWD" in *' '*) fail "--install-service: the path $PWD has spaces" 2 ;; esac
    units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
    mkdir -p "$units"
    sed -e "s|@FOLDER@|$PWD|g" -e "s|@PORT@|$backend_port|g" deploy/mission-control.service \
        >"$units/mission-control.service"
    systemctl --user daemon-reload
}

summary() {
    say ""
    say "Mission Control: $api_url"
    if [ -t 1 ]; then
        say "Sign in with:    $(setting LOCAL_AUTH_TOKEN)"
    else
        say "Sign in with:    LOCAL_AUTH_TOKEN in $PWD/.env"
    fi
    if [ "$mode" = docker ]; then
        say "Stop with:       docker compose down        (in $PWD)"
    elif [ "$install_service" = yes ]; then
        say "Stop with:       systemctl --user stop mission-control"
    else
        say "Stop with:       kill \$(cat $STATE/pid)"
    fi
    say "Remove with:     ./uninstall.sh"
}

find_checkout
answer mode "Run in containers or on this machine (docker, local)" docker
one_of --mode "$mode" "docker local"
answer_port backend_port "Port" 8000
frontend_port="${frontend_port:-}"
if [ "$mode" = docker ]; then
    answer_port frontend_port "Second port of the same" 3000
else
    frontend_port="${frontend_port:-3000}"
    is_port "$frontend_port" || fail "$frontend_port is not a port (1 to 65535)" 2
fi
[ "$mode" = local ] || [ "$backend_port" != "$frontend_port" ] || fail "the two ports must differ" 2
[ -n "$api_url" ] || answer public_host "Name under which others reach this machine" localhost
api_url="${api_url:-http://$public_host:$backend_port}"
case "$api_url" in http://?* | https://?*) ;; *) fail "--api-url must begin with http:// or https://" 2 ;; esac
answer token_mode "Operator's token (generate, manual)" generate
one_of --token-mode "$token_mode" "generate manual"
if [ "$token_mode" = manual ]; then
    answer token "Token, 50 characters or more" ""
    [ "${#token}" -ge 50 ] || fail "the token must have 50 characters or more"
fi
answer db_mode "Database (docker: comes along, external: one of yours)" docker
one_of --db-mode "$db_mode" "docker external"
if [ "$db_mode" = external ]; then
    answer database_url "DATABASE_URL" ""
    case "$database_url" in
    postgres://?* | postgresql://?*) ;;
    *) fail "--database-url must begin with postgresql://" 2 ;;
    esac
fi
answer start_services "Start it now (yes, no)" yes
one_of --start-services "$start_services" "yes no"
write_settings
if [ "$mode" = docker ]; then install_docker; else install_local; fi
summary
