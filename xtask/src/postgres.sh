# A throw-away PostgreSQL server, for as long as standard input is open: whoever holds its other end
# may end in any way, and the server ends too and leaves nothing behind.
#
# Called with its own text, which no other user has to be able to read: sh -c "$TEXT" sh "$TEXT"
# Prints `url ..` once the server answers, or `missing ..`. Then each line read is one command and
# answered with `done`: `stop` as in a crash, `start`.
set -eu
for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done
for program in initdb pg_ctl postgres; do
    command -v "$program" > /dev/null || { echo "missing $program"; exit 0; }
done
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root.
    user=nobody
    if id postgres > /dev/null 2>&1; then user=postgres; fi
    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups sh -c "$1" sh "$1"
fi
# The name of a socket may have about a hundred bytes, so not in a folder far down.
home=$(mktemp -d /tmp/vss-postgres.XXXXXX)
cd "$home"
start() {
    pg_ctl -D "$home/data" -l "$home/log" -w -t 60 \
        -o "-k $home -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=200" \
        start > /dev/null || { cat "$home/log" >&2; return 1; }
}
stop() { pg_ctl -D "$home/data" -m immediate stop > /dev/null 2>&1; }
trap 'stop || true; cd /; rm -rf "$home"' EXIT
# Control-C is for whoever holds the other end.
trap '' INT HUP
trap 'exit 1' TERM
initdb -D "$home/data" -U vss --auth=trust -E UTF8 --locale=C --no-sync > /dev/null
start
echo "url postgres://vss@localhost/postgres?host=$home"
while read -r command; do
    case "$command" in
        stop) stop ;;
        start) start ;;
    esac
    echo done
done
