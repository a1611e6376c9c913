import uuid

import django.db.models.deletion
from django.db import migrations, models

_COMMON = [
    ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
    ("created_at", models.DateTimeField(auto_now_add=True)),
    ("updated_at", models.DateTimeField(auto_now=True)),
    ("content", models.TextField()),
    ("tags", models.JSONField(blank=True, null=True)),
    ("is_chat", models.BooleanField(default=False)),
    ("source", models.CharField(blank=True, max_length=200, null=True)),
    ("author_kind", models.CharField(max_length=10)),
    ("author_id", models.UUIDField(blank=True, null=True)),
    ("author_name", models.CharField(max_length=200)),
]


class Migration(migrations.Migration):
    dependencies = [
        ("boards", "0004_boards_rules"),
        ("orgs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BoardMemory",
            fields=[
                *((name, field.clone()) for name, field in _COMMON),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                (
                    "board",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memories",
                        to="boards.board",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "board memories",
                "indexes": [
                    models.Index(
                        fields=["board", "is_chat", "-created_at"], name="board_memory_newest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupMemory",
            fields=[
                *((name, field.clone()) for name, field in _COMMON),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                (
                    "board_group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memories",
                        to="boards.boardgroup",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "group memories",
                "indexes": [
                    models.Index(
                        fields=["board_group", "is_chat", "-created_at"], name="group_memory_newest"
                    )
                ],
            },
        ),
    ]
