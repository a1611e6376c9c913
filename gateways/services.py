"""What operators change about gateways: add, edit, remove, check, command policy, pairing.

The public functions reach the network first, where they must; the row is then written in one
transaction by a function marked ``@service``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.translation import gettext as _

from activity.publish import Target, publish
from governance import gateway_asks
from missioncontrol.kernel import jobs as queue
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Invalid, RemoteFailed, StaleVersion
from missioncontrol.kernel.outbound import check_url
from missioncontrol.kernel.secrets import seal, unseal
from missioncontrol.kernel.unit import service

from . import actions, cleanup, doctor, jobs, records, rpc, rules, targets
from .models import Gateway, GatewayLease
from .wire import provisioning, sessions
from .wire.diagnose import Diagnosis
from .wire.identity import DeviceIdentity

PolicyMode = Literal["ask", "full"]
MAX_CAPABILITIES = 100
#: A change of one of these makes what is known about the connection worthless.
CONNECTION_FIELDS = frozenset({"url", "token", "allow_insecure_tls", "disable_device_pairing"})
_PLAIN_FIELDS = frozenset(
    {"name", "workspace_root", "allow_insecure_tls", "disable_device_pairing", "capabilities",
     "metadata", "is_default"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A gateway before it is stored; address and token are already checked."""

    name: str
    url: str
    token: str
    fields: Mapping[str, Any]
    identity: DeviceIdentity = field(default_factory=DeviceIdentity.create)


def create_gateway(
    actor: Actor,
    organization_id: UUID,
    *,
    name: str,
    url: str,
    token: str | None = None,
    workspace_root: str = "~/.openclaw",
    allow_insecure_tls: bool = False,
    disable_device_pairing: bool = False,
    capabilities: list[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    is_default: bool = False,
    is_simulated: bool = False,
    verify: bool = False,
) -> Gateway:
    """Add a gateway. Its main agent follows from the event ``gateway.created``.

    Args:
        token: Stored sealed, never shown again; blank means none.
        verify: Refuse a gateway that cannot be used, before anything is stored. Otherwise it is
            stored as ``unverified`` and checked by a job.

    Raises:
        Invalid: bad address or token, ``outbound_blocked``, ``gateway_incompatible``.
        Forbidden: no admin of the organization.
        RemoteFailed: ``verify`` and it cannot be used.
    """
    if is_simulated and not settings.ALLOW_SIMULATOR:
        raise Invalid(_("Simulated gateways are not used in production."), field="url")
    row = Gateway(organization_id=organization_id)
    authorize(actor, actions.CREATE, row)
    draft = Draft(
        name=_name(name),
        url=guarded_url(url),
        token=rules.checked_token(token),
        fields={
            "workspace_root": workspace_root.strip() or "~/.openclaw",
            "allow_insecure_tls": allow_insecure_tls,
            "disable_device_pairing": disable_device_pairing,
            "capabilities": _capabilities(capabilities),
            "metadata": dict(metadata or {}),
            "is_default": is_default,
            "is_simulated": is_simulated,
        },
    )
    diagnosis = _verified(actor, draft) if verify else None
    return _insert(actor, organization_id, draft, diagnosis)


def _verified(actor: Actor, draft: Draft) -> Diagnosis:
    doctor.limit_probes(actor)
    target = targets.make(
        draft.url,
        token=draft.token,
        identity=draft.identity,
        allow_insecure_tls=draft.fields["allow_insecure_tls"],
        disable_device_pairing=draft.fields["disable_device_pairing"],
    )
    return doctor.require_compatible(target, secrets=(draft.token,) if draft.token else ())


def try_gateway(
    actor: Actor,
    organization_id: UUID,
    *,
    url: str,
    token: str | None = None,
    allow_insecure_tls: bool = False,
    disable_device_pairing: bool = False,
    gateway_id: UUID | None = None,
) -> Diagnosis:
    """Check what a form proposes; nothing of it is kept but that somebody looked (ruling 44).

    Args:
        gateway_id: The stored gateway that the form is about; a blank token means its own.

    Raises:
        Invalid: bad address or token, ``outbound_blocked``.
        NotFound: not visible.
        Forbidden: no admin of the organization.
        RateLimited: too many checks by this person.
    """
    stored = Gateway.objects.seen_by(actor, gateway_id) if gateway_id else None
    authorize(actor, actions.CHECK, stored or Gateway(organization_id=organization_id))
    address, secret = guarded_url(url), rules.checked_token(token)
    doctor.limit_probes(actor)
    known = targets.reach_of(stored).target if stored else None
    target = targets.make(
        address,
        token=secret or (known.token if known else ""),
        identity=known.identity if known else DeviceIdentity.create(),
        device_token=known.device_token if known and known.url == address else "",
        allow_insecure_tls=allow_insecure_tls,
        disable_device_pairing=disable_device_pairing,
    )
    diagnosis = doctor.examine(target)
    seen = records.seen_of(diagnosis, tuple(filter(None, (target.token, target.device_token))))
    about = stored.target if stored else Target("gateway", None, address)
    records.note_probe(actor, about, organization_id, seen.code or None)
    return diagnosis


@service
def _insert(
    actor: Actor, organization_id: UUID, draft: Draft, diagnosis: Diagnosis | None
) -> Gateway:
    gateway = Gateway(
        organization_id=organization_id,
        name=draft.name,
        url=draft.url,
        token_sealed=seal(draft.token),
        token_hint=rules.hint_of(draft.token),
        **draft.fields,
    )
    authorize(actor, actions.CREATE, gateway)
    others = Gateway.objects.filter(organization_id=organization_id)
    if gateway.is_default:
        others.filter(is_default=True).update(is_default=False)
    elif not others.exists():
        gateway.is_default = True
    gateway.save(force_insert=True)
    targets.sealed_identity(gateway, draft.identity).save(force_insert=True)
    GatewayLease.objects.create(gateway=gateway)
    publish(
        "gateway.created",
        actor=actor,
        target=gateway,
        organization_id=organization_id,
        data={"url": gateway.url, "is_simulated": gateway.is_simulated},
    )
    if diagnosis is None:
        queue.enqueue(jobs.check_gateway, gateway.pk)
        return gateway
    known = (draft.token,) if draft.token else ()
    report = doctor.with_proof(gateway, diagnosis)
    return records.record_check(actor, gateway.pk, report, secrets=known) or gateway


def update_gateway(
    actor: Actor,
    gateway_id: UUID,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Gateway:
    """Change a gateway; a changed address, token or connection flag is checked again by a job.

    Raises:
        Invalid: bad value, ``outbound_blocked``.
        NotFound: not visible.
        Forbidden: no admin.
        StaleVersion: changed since the caller looked.
    """
    wanted = dict(changes)
    if "url" in wanted:
        wanted["url"] = guarded_url(wanted["url"])
    if "token" in wanted:
        wanted["token"] = rules.checked_token(wanted["token"])
    if "name" in wanted:
        wanted["name"] = _name(wanted["name"])
    if "capabilities" in wanted:
        wanted["capabilities"] = _capabilities(wanted["capabilities"])
    if "workspace_root" in wanted:
        wanted["workspace_root"] = (wanted["workspace_root"] or "").strip() or "~/.openclaw"
    return _update(actor, gateway_id, wanted, expected_version)


@service
def _update(
    actor: Actor, gateway_id: UUID, wanted: Mapping[str, Any], expected_version: int | None
) -> Gateway:
    gateway: Gateway = Gateway.objects.open_for(actor, gateway_id)
    authorize(actor, actions.UPDATE, gateway)
    if expected_version is not None and expected_version != gateway.version:
        raise StaleVersion(
            _("This gateway was changed since you looked at it."),
            current={"id": str(gateway.pk), "version": gateway.version},
        )
    changed = _apply(gateway, wanted)
    if not changed:
        return gateway
    reconnect = bool(CONNECTION_FIELDS & changed)
    if reconnect:
        gateway.status, gateway.status_code = Gateway.Status.CHECKING, ""
        gateway.status_detail, gateway.pairing_request_id, gateway.checks = "", "", []
        gateway.check_failures, gateway.next_check_at = 0, None
    gateway.version += 1
    gateway.save()
    publish(
        "gateway.updated",
        actor=actor,
        target=gateway,
        organization_id=gateway.organization_id,
        data={"fields": sorted(changed), "reconnect": reconnect},
    )
    if reconnect:
        records.ring(gateway.pk, "changed")
        queue.enqueue(jobs.check_gateway, gateway.pk)
    return gateway


def _apply(gateway: Gateway, wanted: Mapping[str, Any]) -> set[str]:
    """Set what differs; returns the names of the changed fields."""
    changed = {n for n in _PLAIN_FIELDS & wanted.keys() if getattr(gateway, n) != wanted[n]}
    for name in changed:
        setattr(gateway, name, wanted[name])
    if "url" in wanted and wanted["url"] != gateway.url:
        gateway.url = wanted["url"]
        changed.add("url")
    if "token" in wanted and wanted["token"] != unseal(gateway.token_sealed):
        gateway.token_sealed = seal(wanted["token"])
        gateway.token_hint = rules.hint_of(wanted["token"])
        changed.add("token")
    if "url" in changed and hasattr(gateway, "identity"):
        # A token that another gateway issued must not be offered to this one.
        gateway.identity.device_token_sealed = ""
        gateway.identity.save(update_fields=["device_token_sealed"])
    if "is_default" in changed and gateway.is_default:
        others = Gateway.objects.filter(organization_id=gateway.organization_id, is_default=True)
        others.exclude(pk=gateway.pk).update(is_default=False)
    return changed


@service
def delete_gateway(actor: Actor, gateway_id: UUID, *, force: bool = False) -> None:
    """Remove a gateway; listeners of ``gateway.deleted`` release its agents first.

    What it still runs for us is deleted there by a job that outlives the row.

    Raises:
        NotFound: not visible.
        Forbidden: no admin.
        Conflict: ``gateway_in_use`` with ``board_ids``, unless ``force``, which detaches them.
    """
    # The full lock: boards and agents must not start to point here meanwhile.
    gateway: Gateway = Gateway.objects.open_for(actor, gateway_id, for_delete=True)
    authorize(actor, actions.DELETE, gateway)
    boards = [str(pk) for pk in gateway.boards.order_by("pk").values_list("pk", flat=True)]
    if boards and not force:
        raise Conflict(
            _("Boards use this gateway. Detach them first, or remove it with force."),
            code="gateway_in_use",
            board_ids=boards,
        )
    left = cleanup.plan(gateway)
    publish(
        "gateway.deleted",
        actor=actor,
        target=gateway,
        organization_id=gateway.organization_id,
        data={"board_ids": boards[:200], "url": gateway.url},
    )
    if left is not None:
        queue.enqueue(jobs.clean_up, left.pk)
    gateway_asks.forget_gateway(actor, gateway.pk)
    records.ring(gateway.pk, "changed")
    gateway.delete()


def check_gateway(actor: Actor, gateway_id: UUID) -> Gateway:
    """Run the connection doctor now (:func:`gateways.doctor.check_gateway`)."""
    return doctor.check_gateway(actor, gateway_id)


def set_exec_policy(actor: Actor, gateway_id: UUID, *, mode: PolicyMode) -> str:
    """Set ``tools.exec.mode`` of a gateway, on an operator's explicit wish only (ruling 23).

    Returns:
        The mode that holds now.

    Raises:
        NotFound, Forbidden: not visible, no admin.
        GatewayUnavailable, RemoteFailed: the gateway cannot be reached or refuses.
    """
    gateway = Gateway.objects.seen_by(actor, gateway_id)
    authorize(actor, actions.SET_POLICY, gateway)
    doctor.limit_probes(actor)
    with rpc.session(gateway.pk) as session:
        session.run(
            lambda client: provisioning.patch_config(client, set_visibility=False, exec_mode=mode)
        )
    _note_policy(actor, gateway.pk, mode)
    return mode


def allow_command(actor: Actor, gateway_id: UUID, *, remote_agent_id: str, path: str) -> bool:
    """Let one agent run one program without questions, on an operator's explicit wish.

    Returns:
        Whether it was not allowed before.

    Raises:
        Invalid: the path is not absolute.
        NotFound, Forbidden: not visible, no admin.
        GatewayUnavailable, RemoteFailed: the gateway cannot be reached or refuses.
    """
    if not path.startswith("/") or not path.isprintable():
        raise Invalid(_("Enter the absolute path of the program."), field="path")
    gateway = Gateway.objects.seen_by(actor, gateway_id)
    authorize(actor, actions.SET_POLICY, gateway)
    doctor.limit_probes(actor)
    with rpc.session(gateway.pk) as session:
        is_new = session.run(
            lambda client: provisioning.allow_command(client, remote_agent_id, path)
        )
    if is_new:
        _note_policy(actor, gateway.pk, f"{path} ({remote_agent_id})")
    return is_new


def exec_mode(gateway_id: UUID) -> str:
    """``tools.exec.mode`` as the gateway has it; ``full`` means that commands are not gated.

    Raises:
        GatewayUnavailable, RemoteFailed: the gateway cannot be reached or refuses.
    """
    return exec_mode_of(rpc.call(gateway_id, "config.get"))


def exec_mode_of(answer: Any) -> str:
    """The mode in an answer of ``config.get``."""
    config = answer.get("config") if isinstance(answer, dict) else None
    tools = config.get("tools") if isinstance(config, dict) else None
    policy = tools.get("exec") if isinstance(tools, dict) else None
    mode = policy.get("mode") if isinstance(policy, dict) else None
    return str(mode or "full")


@service
def _note_policy(actor: Actor, gateway_id: UUID, mode: str) -> None:
    gateway: Gateway = Gateway.objects.open_for(actor, gateway_id)
    publish(
        "gateway.policy_changed",
        actor=actor,
        target=gateway,
        organization_id=gateway.organization_id,
        data={"mode": mode[:300]},
    )
    queue.enqueue(jobs.check_gateway, gateway.pk)


def send_to_session(actor: Actor, gateway_id: UUID, *, key: str, content: str) -> dict[str, Any]:
    """Write into a session as an operator; recorded, without the text.

    Raises:
        NotFound, Forbidden: not visible, no admin.
        GatewayUnavailable, RemoteFailed: the gateway cannot be reached or refuses.
    """
    gateway = Gateway.objects.seen_by(actor, gateway_id)
    authorize(actor, actions.WRITE_SESSION, gateway)
    once = str(uuid4())
    with rpc.session(gateway.pk) as session:
        sent = session.run(
            lambda client: sessions.send_chat(client, key, content, idempotency_key=once)
        )
    _note_message(actor, gateway.pk, key)
    return {"run_id": sent.run_id, "status": sent.status}


@service
def _note_message(actor: Actor, gateway_id: UUID, key: str) -> None:
    gateway: Gateway = Gateway.objects.open_for(actor, gateway_id)
    publish(
        "gateway.message_sent",
        actor=actor,
        target=gateway,
        organization_id=gateway.organization_id,
        data={"session_key": key[:200]},
    )


@service
def ring_for_answer(gateway_id: UUID) -> None:
    """Tell the gateway's link that an answer waits, when this transaction commits."""
    records.ring(gateway_id, "answer")


def guarded_url(raw: str) -> str:
    """An address as stored, if the outbound policy allows it; an unknown name is left to the check.

    Raises:
        Invalid: no gateway address, or ``outbound_blocked``.
    """
    url = rules.normalised_url(raw)
    try:
        check_url(url, "gateway", targets.SCHEMES)
    except RemoteFailed:
        return url
    return url


def _name(raw: str) -> str:
    name = (raw or "").strip()
    if not name or len(name) > 200 or "\x00" in name:
        raise Invalid(_("Enter a name of 1 to 200 characters."), field="name")
    return name


def _capabilities(raw: list[str] | None) -> list[str]:
    found = [c.strip()[:80] for c in raw or [] if isinstance(c, str) and c.strip()]
    return list(dict.fromkeys(found))[:MAX_CAPABILITIES]
