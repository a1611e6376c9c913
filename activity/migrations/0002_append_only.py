"""Events and audit entries are append-only: the database refuses changes outside the purge function."""

from django.db import migrations

GUARD = """
CREATE FUNCTION activity_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' AND current_setting('missioncontrol.purge', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON activity_activityevent
  FOR EACH ROW EXECUTE FUNCTION activity_append_only();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON activity_auditentry
  FOR EACH ROW EXECUTE FUNCTION activity_append_only();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON activity_activityevent
  FOR EACH STATEMENT EXECUTE FUNCTION activity_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON activity_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION activity_append_only();

-- The one way to remove events: retention and the deletion of an organization. Audit entries stay.
CREATE FUNCTION activity_purge_events(org uuid, before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed bigint;
BEGIN
  PERFORM set_config('missioncontrol.purge', 'on', true);
  DELETE FROM activity_eventdelivery d USING activity_activityevent e
    WHERE d.event_id = e.id AND e.organization_id = org AND e.at < before;
  DELETE FROM activity_activityevent WHERE organization_id = org AND at < before;
  GET DIAGNOSTICS removed = ROW_COUNT;
  PERFORM set_config('missioncontrol.purge', 'off', true);
  RETURN removed;
END $$;
"""

UNGUARD = """
DROP FUNCTION activity_purge_events(uuid, timestamptz);
DROP TRIGGER audit_no_truncate ON activity_auditentry;
DROP TRIGGER event_no_truncate ON activity_activityevent;
DROP TRIGGER audit_append_only ON activity_auditentry;
DROP TRIGGER event_append_only ON activity_activityevent;
DROP FUNCTION activity_append_only();
"""


class Migration(migrations.Migration):
    """Triggers and the purge function."""

    dependencies = [("activity", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
