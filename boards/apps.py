"""Django application."""

from django.apps import AppConfig


class BoardsConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "boards"

    def ready(self) -> None:
        """Register the grant question, readable boards for approvals, commands and listeners."""
        from django.db.models.signals import post_migrate

        from governance.querysets import register_board_ids

        from . import actions, commands, member_access, querysets, subscribers

        actions.register()
        register_board_ids(querysets.board_ids)
        commands.register()
        member_access.register_store()
        subscribers.register()
        post_migrate.connect(querysets.on_migrated, sender=self)
