from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0010_gateway_seen_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='skill',
            name='attempts',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='skill',
            name='lease_owner',
            field=models.CharField(blank=True, default='', max_length=80),
        ),
        migrations.AddField(
            model_name='skill',
            name='lease_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='skill',
            name='next_attempt_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='skill',
            name='scan_state',
            field=models.CharField(
                blank=True,
                choices=[
                    ('', 'None'),
                    ('waiting', 'Waiting'),
                    ('running', 'Running'),
                    ('failed', 'Failed'),
                ],
                default='',
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name='skill',
            name='scan_error',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddIndex(
            model_name='skill',
            index=models.Index(
                condition=models.Q(('scan_state__in', ['waiting', 'running'])),
                fields=['updated_at'],
                name='skill_scan_open',
            ),
        ),
    ]
