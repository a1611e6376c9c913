from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateways", "0005_sessions_and_cleanup"),
    ]

    operations = [
        migrations.AddField(
            model_name="gatewaycleanup",
            name="adopted_ids",
            field=models.JSONField(default=list),
        ),
    ]
