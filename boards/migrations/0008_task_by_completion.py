from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('boards', '0007_webhooks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('done_at__isnull', False)), fields=['board', 'done_at'], name='task_by_completion'),
        ),
    ]
