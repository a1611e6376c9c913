"""Logs of a process: key=value on a terminal, JSON otherwise; no secret ever passes."""

import logging
import logging.config
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Literal

import structlog

TRACE = 5
Style = Literal["auto", "text", "json"]
_SECRET_NAME = re.compile(r"token|secret|password|authorization|cookie|api_?key", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?i)(bearer\s+)[^\s\"']+"
    r"|((?:[a-z_]*token|password|secret|api_?key)=)[^\s&\"']+"
    r"|(://[^:/@\s]*:)[^@/\s]+(?=@)"
)
# Quiet neighbours; what matters of a request is logged by the product itself.
_QUIET = {
    "django.request": "ERROR",
    "django.security.DisallowedHost": "ERROR",
    "daphne": "WARNING",
    "rq": "WARNING",
    "uvicorn": "WARNING",
    "httpx": "WARNING",
    "websockets": "WARNING",
}


def conceal(text: str) -> str:
    """Replace what looks like a credential inside a text."""
    return _SECRET_TEXT.sub(lambda m: f"{m[1] or m[2] or m[3]}[hidden]", text)


def hide_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop values whose name or form is that of a credential."""
    for key, value in event.items():
        if key.startswith("_"):
            continue
        if _SECRET_NAME.search(key) and not isinstance(value, bool | int | None):
            event[key] = "[hidden]"
        elif isinstance(value, str):
            event[key] = conceal(value)
    return event


def _processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(style: str) -> dict[str, Any]:
    ending: list[Any]
    if style == "json":
        ending = [
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ]
    else:
        order = ["timestamp", "level", "logger", "event"]
        ending = [
            structlog.processors.format_exc_info,
            hide_secrets,
            _exception_last,
            structlog.processors.KeyValueRenderer(key_order=order, drop_missing=True),
        ]
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        "foreign_pre_chain": _processors(),
    }


def _exception_last(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if "exception" in event:
        event["exception"] = event.pop("exception")
    return event


def configure(
    *, level: str, style: Style, file: Path | None = None, console_level: str | None = None
) -> None:
    """Set up logging of this process: to stderr, and to ``file`` when one is given.

    The console speaks key=value on a terminal, the file JSON, unless ``style`` says otherwise.
    The file is rotated by the supervisor; it is opened anew when its name points elsewhere.
    """
    logging.addLevelName(TRACE, "TRACE")
    console = style if style != "auto" else ("text" if sys.stderr.isatty() else "json")
    handlers: dict[str, Any] = {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": console,
            "level": console_level or level,
        }
    }
    if file is not None:
        handlers["file"] = {
            "class": "logging.handlers.WatchedFileHandler",
            "filename": str(file),
            "encoding": "utf-8",
            "formatter": "text" if style == "text" else "json",
        }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"text": _formatter("text"), "json": _formatter("json")},
            "handlers": handlers,
            "root": {"handlers": list(handlers), "level": level},
            "loggers": {name: {"level": least} for name, least in _QUIET.items()},
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
