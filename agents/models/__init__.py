"""Agents and what belongs to them, one module for each subject."""

from agents.models.agent import Agent, AgentBeat
from agents.models.imported import ImportedToken
from agents.models.onboarding import Onboarding
from agents.models.skills import Skill, SkillInstall, SkillPack
from agents.models.souls import SoulIndex, SoulText
from agents.models.syncs import TemplateSync
from agents.models.usage import Budget, UsageEntry
from agents.models.work import AgentNotification, Execution

__all__ = [
    "Agent",
    "AgentBeat",
    "AgentNotification",
    "Budget",
    "Execution",
    "ImportedToken",
    "Onboarding",
    "Skill",
    "SkillInstall",
    "SkillPack",
    "SoulIndex",
    "SoulText",
    "TemplateSync",
    "UsageEntry",
]
