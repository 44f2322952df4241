-- What the job that deletes organizations for good looks for.
CREATE INDEX organizations_deletion_scheduled_for ON organizations (deletion_scheduled_for, id)
    WHERE deletion_scheduled_for IS NOT NULL;
