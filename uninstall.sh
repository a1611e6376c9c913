#!/bin/sh
# Stops Mission Control and removes what ./install.sh set up. Data stays, unless --purge is given.
set -eu
cd "$(dirname "$0")"

STATE="${XDG_STATE_HOME:-$HOME/.local/state}/openclaw-mission-control-install"
purge="no"
case "${1:-}" in
--purge) purge="yes" ;;
'') ;;
*)
    echo "Usage: ./uninstall.sh [--purge]   (--purge also deletes database, settings and secrets)" >&2
    [ "$1" = --help ] || [ "$1" = -h ] && exit 0
    exit 2
    ;;
esac

if [ "$purge" = yes ] && [ -t 0 ]; then
    printf 'This deletes the database, all settings and all secrets. Type "delete" to go on: '
    read -r reply
    [ "$reply" = delete ] || exit 1
fi

if command -v systemctl >/dev/null 2>&1; then
    unit="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/mission-control.service"
    if [ -f "$unit" ]; then
        systemctl --user disable --now mission-control.service || true
        rm -f "$unit"
        systemctl --user daemon-reload || true
    fi
fi

if [ -f "$STATE/pid" ]; then
    pid="$(cat "$STATE/pid")"
    if kill -0 "$pid" 2>/dev/null; then
        kill "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
    fi
fi
rm -rf "$STATE"

if [ -f .env ] && command -v docker >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    if [ "$purge" = yes ]; then
        docker compose down --volumes --rmi local --remove-orphans || true
    else
        docker compose down --remove-orphans || true
    fi
fi

if [ "$purge" = yes ]; then
    data="$(sed -n 's/^DATA_DIR=//p' .env 2>/dev/null | tail -n 1)"
    if [ -z "$data" ]; then
        if [ "$(id -u)" -eq 0 ]; then
            data="/var/lib/missioncontrol"
        else
            data="${XDG_DATA_HOME:-$HOME/.local/share}/missioncontrol"
        fi
    fi
    # Only a folder that is ours: it holds the state of our services or our secrets.
    if [ -f "$data/services.json" ] || [ -d "$data/secrets" ]; then
        rm -rf "$data"
    fi
    rm -rf .env .venv
fi
echo "Mission Control is removed.$([ "$purge" = yes ] || echo ' Its data and settings are still there; --purge deletes them.')"
