from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0004_notifications"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="email_vouched_by",
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
