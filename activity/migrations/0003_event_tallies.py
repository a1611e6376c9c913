from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('activity', '0002_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.UUIDField()),
                ('board_id', models.UUIDField()),
                ('slot', models.DateTimeField()),
                ('events', models.PositiveIntegerField()),
                ('failed', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name_plural': 'event tallies',
                'constraints': [models.UniqueConstraint(fields=('board_id', 'slot'), include=('events', 'failed'), name='tally_once')],
            },
        ),
        migrations.CreateModel(
            name='TallyHead',
            fields=[
                ('organization_id', models.UUIDField(primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField(default=0)),
            ],
        ),
    ]
