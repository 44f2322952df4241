#!/usr/bin/env bash
# Runs other projects' clients, audits, linters and compilers against one server, and prints a table of results. Suites
# that need node or Python are skipped if it is missing. Arguments select suites: run.sh apollo schemathesis
set -euo pipefail
cd "$(dirname "$0")"

project=$(cd ../.. && pwd)
folder=$(mktemp -d)
# Temporary files of the suites, and the data of the servers that they start.
export TMPDIR=$folder/tmp
mkdir "$TMPDIR"
# If this script runs as root, PostgreSQL runs as another user.
chmod 755 "$folder" "$TMPDIR"
server=
readonly ROW='%-24s %7s %7s %9s %6s\n'
failed=0
chosen=("$@")

clean_up() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT

has() { command -v "$1" >/dev/null 2>&1; }

is_chosen() {
    [ ${#chosen[@]} = 0 ] && return
    local name
    for name in "${chosen[@]}"; do [ "$name" = "$1" ] && return; done
    return 1
}

# count FILE NODE PYTEST CARGO: prints the number of tests with a result, which node, pytest and cargo name differently.
count() {
    sed -nE "s/^ℹ $2 ([0-9]+)$/\1/p; s/^(.*, )?([0-9]+) $3.* in [0-9.]+s.*$/\2/p; s/^test result: .* ([0-9]+) $4;.*$/\1/p" "$1" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# suite NAME FOLDER COMMAND…: runs a suite, and prints its output if it has failed.
suite() {
    local name=$1 directory=$2 output=$folder/$1.log started=$SECONDS result=ok bad
    shift 2
    is_chosen "$name" || return 0
    (cd "$directory" && "$@") >"$output" 2>&1 || result=failed
    bad=$(count "$output" fail failed failed)
    if [ $result = failed ]; then
        failed=1
        [ "$bad" -gt 0 ] || bad=1
        cat "$output"
    fi
    printf "$ROW" "$name" "$(count "$output" pass passed passed)" "$bad" \
        "$(count "$output" skipped skipped ignored)" $((SECONDS - started))s
}

# once FILE FOLDER COMMAND…: runs a command that installs the packages of the file, unless they are installed already.
once() {
    local pins=$1 directory=$2
    shift 2
    cmp -s "$pins" "$directory/installed" && return
    "$@"
    cp "$pins" "$directory/installed"
}

install_python() {
    python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
}

start_server() {
    local line
    "$GUILDHALL_BIN" demo --data-dir "$folder/data" --listen 127.0.0.1:0 --rate-limits off --log warn \
        >"$folder/server.out" 2>"$folder/server.err" &
    server=$!
    until line=$(grep -E '^ +GraphQL ' "$folder/server.out"); do
        if ! kill -0 $server 2>/dev/null; then
            cat "$folder/server.out" "$folder/server.err"
            exit 1
        fi
        sleep 0.1
    done
    GUILDHALL_URL=${line##* }
    export GUILDHALL_URL
}

# check_server STATUS: succeeds if the server ended with status 0 and logged no error.
check_server() {
    [ "$1" = 0 ] && ! grep -E 'ERROR|panicked' "$folder/server.err" && echo 'ℹ pass 1'
}

cargo build --locked --manifest-path "$project/Cargo.toml" --bin guildhall
export GUILDHALL_BIN=${CARGO_TARGET_DIR:-$project/target}/debug/guildhall
start_server
printf "$ROW" suite passed failed skipped time

if has node && has npm; then
    (cd node && once package-lock.json node_modules npm ci --silent --no-progress)
    for file in node/*.test.mjs; do
        name=$(basename "$file" .test.mjs)
        suite "$name" node node --test --test-reporter=spec --test-timeout=120000 "$name.test.mjs"
    done
else
    echo "node or npm is missing: the suites in node/ are skipped."
fi

suite rust rust cargo test --locked --quiet

if has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; then
    (cd python && once requirements.txt .venv install_python)
    for file in python/test_*.py; do
        name=$(basename "$file" .py)
        suite "${name#test_}" python .venv/bin/python -m pytest --quiet -p no:cacheprovider "$(basename "$file")"
    done
else
    echo "python3 or pip is missing: the suites in python/ are skipped."
fi

kill "$server"
status=0
wait "$server" || status=$?
server=
suite server . check_server $status
exit $failed
