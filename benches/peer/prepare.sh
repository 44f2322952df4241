#!/usr/bin/env bash
# Writes setup.sql: all migrations, then fill.sql. The benchmark runs it before it starts the server.
set -euo pipefail
cd "$(dirname "$0")"

{
    echo 'DROP SCHEMA public CASCADE;'
    echo 'CREATE SCHEMA public;'
    echo 'CREATE TABLE __diesel_schema_migrations'
    echo '    (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);'
    ls ../../migrations | LC_ALL=C sort -t _ -k 1,1 | while read -r name; do
        version=${name%%_*}
        echo "INSERT INTO __diesel_schema_migrations (version) VALUES ('${version//-/}');"
        # The benchmark runs the file in one transaction, where CONCURRENTLY is not allowed.
        sed 's/ CONCURRENTLY//' "../../migrations/$name/up.sql"
    done
    cat fill.sql
} >setup.sql
