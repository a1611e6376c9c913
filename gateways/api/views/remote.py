"""What is asked of a gateway itself: status, sessions, messages, command policy, log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from activity.publish import Target as About
from agents.models import Agent
from boards.models import Board
from gateways import actions, catalogue, doctor, records, rpc, rules, services, targets
from gateways.api import schemas
from gateways.api.views.gateways import TAGS, admin_organization, seen_gateway
from gateways.models import Gateway
from gateways.remote import sessions_of, transcript
from gateways.wire import sessions
from gateways.wire.frames import PROTOCOL_VERSION
from gateways.wire.target import Target
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.authz import Action, authorize
from missioncontrol.kernel.errors import (
    DomainError,
    GatewayUnavailable,
    Invalid,
    NotFound,
    RemoteFailed,
)

WRITE_ON_BOARD = Action("gateway.write_session", role=actions.WRITE_SESSION.role, grant="write")


@contextmanager
def as_bad_gateway() -> Iterator[None]:
    """A gateway that is away is a 502 where the caller asked the gateway itself."""
    try:
        yield
    except GatewayUnavailable as error:
        raise RemoteFailed(
            error.detail, code=str(error.extra.get("reason", "unreachable")), **error.extra
        ) from error


def board_of(user: UserActor, board_id: UUID) -> Board:
    """A board that the person may read."""
    board: Board = Board.objects.seen_by(user, board_id)
    return board


def gateway_of(user: UserActor, *, board_id: UUID | None, gateway_id: UUID | None) -> Gateway:
    """The gateway that a request names by itself or by a board.

    Raises:
        Invalid: neither is named, or the board has no gateway.
        NotFound, Forbidden: not visible, no admin.
    """
    if gateway_id is not None:
        return seen_gateway(user, gateway_id)
    if board_id is None:
        raise Invalid(_("Give board_id or gateway_id."), field="board_id")
    found = board_of(user, board_id).gateway_id
    if found is None:
        raise Invalid(_("This board has no gateway."), field="board_id")
    return seen_gateway(user, found)


def main_session_key(gateway: Gateway | None, session: rpc.Session) -> str:
    """Session of the gateway's main agent, else the gateway's own main session."""
    main = None
    if gateway is not None:
        main = Agent.objects.filter(gateway=gateway, agent_type=Agent.Type.MAIN).first()
    if main is not None and main.session_key:
        return str(main.session_key)
    defaults = session.hello.snapshot.get("sessionDefaults") or {}
    return str(defaults.get("mainSessionKey") or "agent:main:main")


class GatewayStatusView(ApiView):
    """A test connection; the answer is 200 whenever the question was valid."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS,
        summary="Test a stored gateway, a board's, or an address",
        parameters=[],
        response=schemas.StatusOut,
    )
    def get(self, request: Request) -> Response:
        """Ask by the query string."""
        return self._answer(self.query(schemas.ProbeIn))

    @operation(
        tags=TAGS,
        summary="The same with the token in the body",
        request=schemas.ProbeIn,
        response=schemas.StatusOut,
    )
    def post(self, request: Request) -> Response:
        """Ask by the body."""
        return self._answer(self.read(schemas.ProbeIn))

    def _answer(self, asked: schemas.ProbeIn) -> Response:
        if asked.gateway_url:
            return ok(self._probe_address(asked))
        gateway = gateway_of(self.user, board_id=asked.board_id, gateway_id=asked.gateway_id)
        doctor.limit_probes(self.user)
        reach = targets.reach_of(gateway)
        found = probe(reach.target, gateway=gateway, secrets=reach.secrets)
        records.note_probe(self.user, gateway.target, gateway.organization_id, found["code"])
        return ok(found)

    def _probe_address(self, asked: schemas.ProbeIn) -> dict[str, Any]:
        organization_id = admin_organization(self.user)
        url = services.guarded_url(asked.gateway_url or "")
        token = rules.checked_token(asked.gateway_token)
        doctor.limit_probes(self.user)
        target = targets.make(
            url,
            token=token,
            allow_insecure_tls=asked.allow_insecure_tls,
            disable_device_pairing=asked.disable_device_pairing,
        )
        found = probe(target, gateway=None, secrets=(token,) if token else ())
        about = About("gateway", None, url)
        records.note_probe(self.user, about, organization_id, found["code"])
        return found


def probe(target: Target, *, gateway: Gateway | None, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Connect and look at the sessions; a failure is part of the answer, with what to do."""
    found: dict[str, Any] = dict.fromkeys(schemas.StatusOut.model_fields)
    found |= {"connected": False, "gateway_url": target.url}
    try:
        with rpc.session_to(target, secrets=secrets) as session:
            found["version"] = session.hello.version or None
            rows = sessions_of(session)
            found |= {"connected": True, "sessions": rows, "sessions_count": len(rows)}
            key = main_session_key(gateway, session)
            found["main_session"] = next((r for r in rows if r.get("key") == key), None)
            if found["main_session"] is None:
                found["main_session_error"] = _("There is no session %(k)s yet.") % {"k": key}
    except DomainError as refusal:
        if isinstance(refusal, Invalid):
            raise
        found["code"] = str(refusal.extra.get("reason") or refusal.machine_code)
        found["error"] = str(refusal.detail)
        found["hint"] = rpc.hint_for(refusal, target)
    return found


class SessionListView(ApiView):
    """Sessions of a gateway."""

    @operation(tags=TAGS, summary="Sessions of a board's gateway", response=schemas.GatewayAnswer)
    def get(self, request: Request) -> Response:
        """List."""
        asked = self.query(schemas.SessionQuery)
        gateway = gateway_of(self.user, board_id=asked.board_id, gateway_id=asked.gateway_id)
        with as_bad_gateway(), rpc.session(gateway.pk) as session:
            rows = sessions_of(session)
            key = main_session_key(gateway, session)
        main = next((row for row in rows if row.get("key") == key), None)
        return ok({"sessions": rows, "main_session": main})


class SessionView(ApiView):
    """One session."""

    @operation(tags=TAGS, summary="A session", response=schemas.GatewayAnswer)
    def get(self, request: Request, key: str) -> Response:
        """Read."""
        asked = self.query(schemas.SessionQuery)
        gateway = gateway_of(self.user, board_id=asked.board_id, gateway_id=asked.gateway_id)
        with as_bad_gateway(), rpc.session(gateway.pk) as session:
            found = session.run(lambda client: sessions.describe_session(client, key))
            if found is None:
                raise NotFound(_("Session not found"))
            return ok({"session": session.redacted(found)})


class SessionHistoryView(ApiView):
    """What was said in a session."""

    @operation(tags=TAGS, summary="Transcript of a session", response=schemas.GatewayAnswer)
    def get(self, request: Request, key: str) -> Response:
        """Read."""
        asked = self.query(schemas.SessionQuery)
        gateway = gateway_of(self.user, board_id=asked.board_id, gateway_id=asked.gateway_id)
        with as_bad_gateway():
            found = transcript(gateway.pk, key, limit=asked.limit, offset=asked.offset)
        return ok({"history": found})


class SessionMessageView(ApiView):
    """A message to a session."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS,
        summary="Write into a session",
        request=schemas.MessageIn,
        response=schemas.GatewayAnswer,
    )
    def post(self, request: Request, key: str) -> Response:
        """Send."""
        asked = self.query(schemas.SessionQuery)
        body = self.read(schemas.MessageIn)
        gateway = gateway_of(self.user, board_id=asked.board_id, gateway_id=asked.gateway_id)
        if asked.board_id is not None:
            authorize(self.user, WRITE_ON_BOARD, board_of(self.user, asked.board_id))
        with as_bad_gateway():
            sent = services.send_to_session(self.user, gateway.pk, key=key, content=body.content)
        return ok({"ok": True, **sent})


class CommandsView(ApiView):
    """What Mission Control says to gateways."""

    @operation(
        tags=TAGS, summary="Methods and events of the protocol", response=schemas.GatewayAnswer
    )
    def get(self, request: Request) -> Response:
        """List."""
        admin_organization(self.user)
        return ok(
            {
                "protocol_version": PROTOCOL_VERSION,
                "methods": list(catalogue.METHODS),
                "events": list(catalogue.EVENTS),
            }
        )


class ExecPolicyView(ApiView):
    """Whether commands of agents are gated."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(tags=TAGS, summary="Command policy of a gateway", response=schemas.PolicyOut)
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Read."""
        return ok(policy_of(seen_gateway(self.user, gateway_id)))

    @operation(
        tags=TAGS,
        summary="Set the mode, or let one agent run one program without questions",
        request=schemas.PolicyIn,
        response=schemas.PolicyOut,
    )
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Set, on an explicit wish only."""
        body = self.read(schemas.PolicyIn)
        with as_bad_gateway():
            if body.mode is not None:
                services.set_exec_policy(self.user, gateway_id, mode=body.mode)
            else:
                services.allow_command(
                    self.user,
                    gateway_id,
                    remote_agent_id=body.remote_agent_id or "",
                    path=body.path or "",
                )
        return ok(policy_of(seen_gateway(self.user, gateway_id)))


def policy_of(gateway: Gateway) -> dict[str, Any]:
    """Mode and allow-lists as the gateway has them."""
    with as_bad_gateway(), rpc.session(gateway.pk) as session:
        mode = services.exec_mode_of(session.call("config.get", {}))
        document = session.call("exec.approvals.get", {})
    agents = ((document or {}).get("file") or {}).get("agents") or {}
    lists = {
        str(name): [str(row.get("pattern")) for row in entry.get("allowlist") or []]
        for name, entry in agents.items()
        if isinstance(entry, dict)
    }
    return {
        "gateway_id": gateway.pk,
        "mode": mode,
        "is_gated": mode != "full",
        "allowlists": lists,
    }


class LogView(ApiView):
    """The gateway's own log."""

    @operation(
        tags=TAGS, summary="Newest lines of the gateway's log", response=schemas.GatewayAnswer
    )
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Read; ``cursor`` of an earlier answer continues after it."""
        asked = self.query(schemas.LogQuery)
        gateway = seen_gateway(self.user, gateway_id)
        params = {"limit": asked.limit}
        if asked.cursor is not None:
            params["cursor"] = asked.cursor
        with as_bad_gateway(), rpc.session(gateway.pk) as session:
            found = session.call("logs.tail", params)
        return ok({name: found.get(name) for name in ("file", "cursor", "size", "lines")})
