from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("boards", "0008_task_by_completion"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="boardmemory",
            index=models.Index(fields=["board", "-created_at"], name="board_memory_by_time"),
        ),
        migrations.AddIndex(
            model_name="groupmemory",
            index=models.Index(fields=["board_group", "-created_at"], name="group_memory_by_time"),
        ),
    ]
