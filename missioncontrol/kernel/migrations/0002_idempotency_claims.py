from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="idempotencyrecord",
            name="claimed_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
