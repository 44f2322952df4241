-- Serves the order by name.
CREATE INDEX CONCURRENTLY organizations_name_order ON organizations (coalesce(name_key, sort_name), id);
