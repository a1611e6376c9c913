from django.db import migrations


def ask(apps, _schema_editor):
    """Skills that were added by their address were never looked at: the sweep does it now."""
    skills = apps.get_model('agents', 'Skill').objects
    skills.filter(pack__isnull=True, scanned_at__isnull=True).update(scan_state='waiting')


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0011_skill_scans'),
    ]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
