"""What the gateway still has to do for an agent, written into its row; the runs are in lifecycle.

A request adds one to the generation. A run that began under an older generation writes nothing,
so the newest request wins and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from activity.publish import publish
from agents import rules
from agents.models import Agent
from missioncontrol.kernel import clock, jobs, rights
from missioncontrol.kernel.actors import Actor

from . import tokens

_REQUEST_FIELDS = (
    "status", "work", "work_options", "lifecycle_generation", "attempts", "next_attempt_at",
    "provision_action", "provision_requested_at", "last_provision_error", "last_provision_code",
    "wake_attempts", "checkin_deadline_at", "updated_at",
)  # fmt: skip


#: After one of these the agent may read other boards than before, or nothing any more.
MOVES_RIGHTS = frozenset({"agent.attached", "agent.deleted", "agent.detached"})


def request(
    agent: Agent,
    work: str,
    *,
    happening: rules.Happening,
    wake: bool = True,
    overwrite: bool = False,
    reset_session: bool = False,
    fields: Iterable[str] = (),
) -> None:
    """Ask for a run on the gateway and save the agent, ``fields`` included.

    Args:
        wake: Greet the agent afterwards and wait for its check-in.
        overwrite: Also rewrite the files that are usually kept.
        reset_session: Start its session over before the greeting.
    """
    paused = agent.status == Agent.Status.PAUSED
    new = happening == rules.Happening.ATTACHED or _is_unfinished_setup(agent)
    if paused:
        after = rules.after(agent.status_before_pause or Agent.Status.ONLINE, happening)
        agent.status_before_pause = after or agent.status_before_pause
    else:
        agent.status = rules.after(agent.status, happening) or agent.status
    agent.work = Agent.Work.PROVISION if new and work != Agent.Work.DELETE else work
    agent.work_options = {
        "wake": wake and not paused,
        "overwrite": overwrite or new,
        "reset_session": reset_session,
    }
    agent.lifecycle_generation += 1
    agent.attempts, agent.next_attempt_at = 0, None
    agent.provision_action = agent.work
    agent.provision_requested_at = clock.now()
    agent.last_provision_error = agent.last_provision_code = ""
    agent.wake_attempts, agent.checkin_deadline_at = 0, None
    agent.save(update_fields={*_REQUEST_FIELDS, "status_before_pause", *fields})
    enqueue(agent)


def _is_unfinished_setup(agent: Agent) -> bool:
    return agent.provisioned_at is None and agent.work in (Agent.Work.PROVISION, Agent.Work.NONE)


def enqueue(agent: Agent) -> None:
    """Wake a worker for the agent's run; the sweep finds it anyway."""
    from agents import jobs as own

    jobs.enqueue(own.run_lifecycle, agent.id)


def begin(agent: Agent, *, fields: Iterable[str] = ()) -> None:
    """First setup of an agent that just got a gateway: fresh token, everything written."""
    agent.provisioned_at = None
    token_fields = tokens.set_pending(agent)
    request(
        agent,
        Agent.Work.PROVISION,
        happening=rules.Happening.ATTACHED,
        fields=[*fields, *token_fields, "provisioned_at"],
    )


def leave_behind(agent: Agent, *, remote_id: str = "") -> None:
    """Remember the agent's present remote self for removal; saved by the caller.

    An adopted one stays where it is: the link ends, and our block and token are taken back.
    """
    adopted = agent.linked_remote_id
    if adopted:
        agent.linked_remote_id = ""
        Agent.objects.filter(pk=agent.pk).update(linked_remote_id="")
    if agent.gateway_id is None or agent.provision_requested_at is None:
        return
    name = adopted or remote_id or agent.remote_id
    left = {"gateway_id": str(agent.gateway_id), "remote_id": name}
    if adopted:
        left["adopted"] = "yes"
    if left not in agent.left_behind:
        agent.left_behind = [*agent.left_behind, left]


def note(name: str, actor: Actor, agent: Agent, **data: Any) -> None:
    """Publish a fact about an agent; its open streams ask for their rights again."""
    if name in MOVES_RIGHTS:
        rights.changed("agent", [agent.id])
    publish(
        name,
        actor=actor,
        target=agent,
        organization_id=agent.organization_id,
        board_id=agent.board_id,
        agent_id=agent.id,
        data={"status": agent.status, **data},
    )
