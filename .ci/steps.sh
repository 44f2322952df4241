# What .ci/run and .ci/extended share.

# step TITLE COMMAND…: runs a command, and prints how long it took.
step() {
    local title=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    "$@"
    printf -- '-- %s: %d s\n' "$title" $((SECONDS - began))
}

# left_out TITLE REASON
left_out() { printf '\n== %s: left out, %s\n' "$1" "$2"; }

# install_package NAME: installs a Debian package. Fails where this is not Debian, or does not run as root.
install_package() {
    [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] && apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1"
}
