# Functions that .ci/run and .ci/extended share.

# step TITLE COMMAND…: runs a command, and prints how long it took.
step() {
    local title=$1 started=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    "$@"
    printf -- '-- %s: %d s\n' "$title" $((SECONDS - started))
}

# skipped TITLE REASON: prints that a step was skipped.
skipped() { printf '\n== %s: skipped, %s\n' "$1" "$2"; }

# install_package NAME: installs a Debian package. Fails on other systems, and if the user is not root.
install_package() {
    [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] && apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1"
}
