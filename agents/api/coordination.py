"""Leads and gateways' own agents speak to others (core specification 14.4, 18)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents.api import schemas
from agents.api.agent import AgentDoor
from agents.services import characters, coordination
from agents.services.coordination import Words
from boards.api.views.agent import LEAD, MAIN, WORKING, for_agents
from missioncontrol.kernel.api import done, ok

_REMOTE = ("The message is in the session of the agent on its gateway",)


class NudgeView(AgentDoor):
    """A reminder."""

    waits_for_gateway: ClassVar[bool] = True

    @for_agents(
        "agent_lead_nudge_agent",
        (LEAD,),
        intent="agent_nudge",
        use="Remind an agent of your board that is silent or stuck",
        avoid="Do not use it for facts that belong on the task; write a comment there",
        effects=_REMOTE,
        needs=("A valid X-Agent-Token of the board's lead", "The agent is set up"),
        request=schemas.Nudge,
        response=schemas.Done,
    )
    def post(self, request: Request, board_id: UUID, agent_id: UUID) -> Response:
        """Delivered now, or 502."""
        body = self.read(schemas.Nudge)
        coordination.nudge_agent(self.agent, board_id, agent_id, message=body.message)
        return done()


class SoulView(AgentDoor):
    """What an agent is like."""

    @for_agents(
        "agent_read_soul",
        WORKING,
        intent="agent_soul_read",
        use="Read SOUL.md of an agent of your board (lead) or your own",
        avoid="Do not read it to find out what an agent is working on; list its tasks",
        response=schemas.SoulOut,
    )
    def get(self, request: Request, board_id: UUID, agent_id: UUID) -> Response:
        """As the gateway holds it now, without tokens."""
        return ok({"content": characters.read_soul(self.agent, board_id, agent_id)})

    @for_agents(
        "agent_lead_write_soul",
        (LEAD,),
        intent="agent_soul_write",
        use="Change the lasting character of an agent of your board",
        avoid="Do not put tasks or facts of the day into it",
        effects=("SOUL.md is replaced on the gateway and kept by later setups",),
        request=schemas.SoulWrite,
        response=schemas.Done,
    )
    def put(self, request: Request, board_id: UUID, agent_id: UUID) -> Response:
        """Written now, or 502."""
        body = self.read(schemas.SoulWrite)
        characters.write_soul(
            self.agent, board_id, agent_id, content=body.content, source_url=body.source_url,
            reason=body.reason,
        )  # fmt: skip
        return done()


class AskUserView(AgentDoor):
    """A question to the person behind the gateway."""

    waits_for_gateway: ClassVar[bool] = True

    @for_agents(
        "agent_lead_ask_user",
        (LEAD,),
        intent="ask_user",
        use="Ask a person what only a person can decide",
        avoid="Do not ask what the board, its memory or a comment already answers",
        effects=(*_REMOTE, "The answer arrives as board memory with the reply tags"),
        request=schemas.AskUser,
        response=schemas.AskUserOut,
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Carried by the gateway's own agent."""
        body = self.read(schemas.AskUser)
        words = Words(body.content, body.correlation_id, body.reply_tags, body.reply_source)
        main = coordination.ask_user(
            self.agent, board_id, words, preferred_channel=body.preferred_channel
        )
        return ok(
            {
                "ok": True,
                "board_id": board_id,
                "main_agent_id": main.pk,
                "main_agent_name": main.name,
            }
        )


class LeadMessageView(AgentDoor):
    """A message to one lead."""

    waits_for_gateway: ClassVar[bool] = True

    @for_agents(
        "agent_main_message_lead",
        (MAIN,),
        intent="lead_message",
        use="Hand a matter to the lead of a board, or ask it something",
        avoid="Do not give tasks to workers yourself; their lead does",
        effects=(*_REMOTE, "A missing lead is made and gets the message when it is ready"),
        request=schemas.LeadMessage,
        response=schemas.LeadMessageOut,
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Delivered now, or 502; a lead that is made now gets it when it is ready."""
        body = self.read(schemas.LeadMessage)
        words = Words(body.content, body.correlation_id, body.reply_tags, body.reply_source)
        lead, is_new = coordination.message_lead(self.agent, board_id, words, kind=body.kind)
        return ok(
            {
                "ok": True,
                "board_id": board_id,
                "lead_agent_id": lead.pk,
                "lead_agent_name": lead.name,
                "lead_created": is_new,
            }
        )


class BroadcastView(AgentDoor):
    """A message to many leads."""

    waits_for_gateway: ClassVar[bool] = True

    @for_agents(
        "agent_main_broadcast_to_leads",
        (MAIN,),
        intent="lead_broadcast",
        use="Tell all leads of your gateway, or those of some boards, the same thing",
        avoid="Do not use it for a matter of one board; message its lead",
        effects=_REMOTE,
        request=schemas.Broadcast,
        response=schemas.BroadcastOut,
    )
    def post(self, request: Request) -> Response:
        """Boards without a lead are named; none is made."""
        body = self.read(schemas.Broadcast)
        words = Words(body.content, body.correlation_id, body.reply_tags, body.reply_source)
        results = coordination.broadcast_to_leads(
            self.agent, words, kind=body.kind, board_ids=body.board_ids
        )
        failed = sum(not row["ok"] for row in results)
        return ok(
            {
                "ok": failed == 0,
                "sent": len(results) - failed,
                "failed": failed,
                "results": results,
            }
        )
