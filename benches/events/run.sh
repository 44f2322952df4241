#!/bin/sh
# Measures the cost of the event row: writes with and without it, with 16 connections. See README.md in this folder.
set -eu
cd "$(dirname "$0")"
: "${DATABASE_URL:?an empty database, migrated}"
seconds=${SECONDS_EACH:-10} rounds=${ROUNDS:-3}
psql -q "$DATABASE_URL" -v ON_ERROR_STOP=1 -f world.sql

run() {
    psql -q "$DATABASE_URL" -c 'TRUNCATE events' -c 'VACUUM memberships' -c 'VACUUM jobs' -c 'CHECKPOINT'
    PGOPTIONS="-c synchronous_commit=$1" pgbench -n -M prepared -c 16 -j 2 -T "$seconds" -f "$2.sql" "$DATABASE_URL" \
        2>/dev/null | sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

# Runs the two alternately and keeps the best result of each, so that other load on the machine affects both alike.
pair() {
    best_without=0 best_with=0
    for _ in $(seq "$rounds"); do
        without=$(run "$1" "$2") with=$(run "$1" "$3")
        [ "$without" -le "$best_without" ] || best_without=$without
        [ "$with" -le "$best_with" ] || best_with=$with
    done
    printf '%-4s %-17s %8s/s without, %8s/s with: %s %% less\n' "$1" "$2" "$best_without" "$best_with" \
        $((100 - 100 * best_with / best_without))
}

echo 'synchronous_commit, write'
for commit in on off; do
    for write in job role; do
        pair $commit $write $write-event
        pair $commit $write-mutation $write-event-mutation
    done
done
