from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0009_imported_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="gateway_seen_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
