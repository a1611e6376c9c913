import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gateways', '0004_proof_of_reach'),
        ('orgs', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='gateway',
            name='latest_sessions',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='gateway',
            name='sessions_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='gateway',
            name='sessions_total',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='GatewayCleanup',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('lease_owner', models.CharField(blank=True, default='', max_length=80)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True)),
                ('gateway_id', models.UUIDField()),
                ('name', models.CharField(max_length=200)),
                ('url', models.CharField(max_length=500)),
                ('token_sealed', models.TextField(blank=True, default='')),
                ('identity_sealed', models.TextField(blank=True, default='')),
                ('device_token_sealed', models.TextField(blank=True, default='')),
                ('allow_insecure_tls', models.BooleanField(default=False)),
                ('disable_device_pairing', models.BooleanField(default=False)),
                ('remote_ids', models.JSONField(default=list)),
                ('last_error', models.TextField(blank=True, default='')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orgs.organization')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
