# Shared by the scripts `postgres` and `mariadb`. They set NAME, PACKAGE, OWNER (the user that the server runs as when root
# starts it), PIDFILE and STOP (the signal), and the functions `program`, `create`, `launch`, `ready`, `grant`, `url` and
# `admin_url`.

# Each service has its own database and user: uzon_<name>. (Configuration writes `_` for `-` in `{service}`.)
OWNERS=(order inventory payment fulfillment notification analytics sandbox_payment sandbox_carrier)

fail() { echo "$NAME: $*" >&2; exit 1; }
usage() { fail "usage: $NAME start DIR [--port N] | stop DIR | kill DIR"; }

# --- the program: the distribution's package, installed once, without starting the system's service ---

install() {
    program >/dev/null && return
    command -v apt-get >/dev/null || fail "the server is missing, and there is no apt-get to install it with"
    ((EUID == 0)) || fail "the server is missing (Debian: apt install $PACKAGE)"
    echo "$NAME: installing $PACKAGE" >&2
    local policy=/usr/sbin/policy-rc.d log
    log=$(mktemp)
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    before_install
    { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$PACKAGE" ||
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$PACKAGE"; }; } \
        >"$log" 2>&1 || fail "$PACKAGE cannot be installed: see $log"
    rm -f "$log"
    program >/dev/null || fail "$PACKAGE is installed, but the server is not found"
}

before_install() { :; }

as_owner() { # servers refuse to run as root
    if ((EUID == 0)); then runuser -u "$OWNER" -- "$@"; else "$@"; fi
}

# --- processes and ports ---

command_of() { # of a process id
    if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -p "$1" -o command= || true; fi
}

pid() { # of the running server; checks the command line, because the system may have reused the number
    local it
    it=$(head -1 "$DIR/data/$PIDFILE" 2>/dev/null) && [ -n "$it" ] &&
        [[ "$(command_of "$it" 2>/dev/null)" == *"$DIR/data"* ]] && echo "$it"
}

ended() { # whether the processes $2… end within $1 tenths of a second
    local tenths=$1 it
    shift
    for ((; tenths > 0; tenths--)); do
        for it in "$@"; do [ -d "/proc/$it" ] && ! grep -q '^State:.Z' "/proc/$it/status" 2>/dev/null && break; done || return 0
        sleep 0.1
    done
    return 1
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() { # below the ephemeral range, from which the system takes ports for clients
    local port tries
    for tries in {1..50}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        taken "$port" || { echo "$port"; return; }
    done
    fail "no free port"
}

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

why_not() { grep -E 'FATAL|PANIC|ERROR' "$DIR/log" 2>/dev/null | tail -1 | cut -c1-300; }

# --- start, stop, kill ---

start() {
    local wanted='' tenths it
    while (($#)); do
        case $1 in
            --port) wanted=${2-}; [[ $wanted =~ ^[0-9]+$ ]] || fail "--port needs a number"; shift 2 ;;
            *) usage ;;
        esac
    done
    install
    mkdir -p "$DIR" 2>/dev/null || fail "$DIR cannot be created"
    DIR=$(cd "$DIR" && pwd)
    if ((EUID == 0)); then
        chmod 755 "$DIR"
        as_owner test -x "$DIR" || fail "the user $OWNER, as whom the server runs, cannot reach $DIR (chmod o+x its parents)"
    fi
    if [ -f "$DIR/settings" ]; then
        . "$DIR/settings"
        [ "${wanted:-$PORT}" = "$PORT" ] || fail "the server in $DIR has port $PORT"
    else
        [ -z "$(ls -A "$DIR")" ] || fail "$DIR is neither empty nor made by this script"
        PORT=${wanted:-$(free_port)}
        ! taken "$PORT" || fail "port $PORT is in use"
        PASSWORD=$(secret) ADMIN_PASSWORD=$(secret)
        mkdir "$DIR/data" "$DIR/run"
        : >"$DIR/log"
        ((EUID != 0)) || chown -R "$OWNER" "$DIR"
        as_owner chmod 700 "$DIR/data"
        create >"$DIR/create.log" 2>&1 || fail "the data folder cannot be made: see $DIR/create.log"
        (umask 077; printf '%s=%s\n' PORT "$PORT" PASSWORD "$PASSWORD" ADMIN_PASSWORD "$ADMIN_PASSWORD" >"$DIR/settings")
    fi
    if ! pid >/dev/null; then
        for tenths in {1..50}; do taken "$PORT" || break; sleep 0.1; done # a killed server still holds the port for a moment
        ! taken "$PORT" || fail "port $PORT is in use"
        launch
    fi
    for ((tenths = 1200; ; tenths--)); do
        ready && break
        ((tenths > 0)) || { stop; fail "the server is not ready after 120 s: see $DIR/log"; }
        ((tenths % 10)) || ((tenths > 1190)) || pid >/dev/null || fail "the server has ended: $(why_not) (see $DIR/log)"
        sleep 0.1
    done
    if [ ! -f "$DIR/granted" ]; then
        grant >"$DIR/grant.log" 2>&1 || { stop; fail "databases and users cannot be made: see $DIR/grant.log"; }
        touch "$DIR/granted"
    fi
    (umask 077; admin_url >"$DIR/admin-url")
    url
}

stop() {
    [ -d "$DIR" ] || return 0
    DIR=$(cd "$DIR" && pwd)
    local it
    it=$(pid) || return 0
    kill "-$1" "$it" 2>/dev/null || true
    ended 200 "$it" || cut_off
}

cut_off() { # kills the server and its children at once
    [ -f "$DIR/settings" ] || fail "there is no server in $DIR"
    DIR=$(cd "$DIR" && pwd)
    local it all
    it=$(pid) || return 0
    mapfile -t all < <(echo "$it"; pgrep -P "$it" || true)
    kill -KILL "${all[@]}" 2>/dev/null || true
    ended 100 "${all[@]}" || fail "the server in $DIR does not end"
}

run() {
    (($# >= 2)) || usage
    local action=$1
    DIR=$2
    shift 2
    case $action in
        start) start "$@" ;;
        stop) (($# == 0)) || usage; stop "$STOP" ;;
        kill) (($# == 0)) || usage; cut_off ;;
        *) usage ;;
    esac
}
