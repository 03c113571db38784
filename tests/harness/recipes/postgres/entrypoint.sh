#!/bin/sh
# Make a cluster on the first start, then become the server. Honours POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_HOST_AUTH_METHOD and POSTGRES_INITDB_ARGS.
set -eu
case "${1:-}" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        echo "Error: set POSTGRES_PASSWORD (or POSTGRES_HOST_AUTH_METHOD=trust)." >&2
        exit 1
    fi
    umask 077
    printf '%s\n' "${POSTGRES_PASSWORD:-unused}" > /tmp/password
    # shellcheck disable=SC2086  # the arguments are words on purpose
    initdb --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --no-sync ${POSTGRES_INITDB_ARGS:-} > /dev/null
    rm -f /tmp/password
    echo "host all all all $method" >> "$PGDATA/pg_hba.conf"
    if [ "$database" != postgres ]; then
        quoted="$(printf '%s' "$database" | sed 's/"/""/g')"
        echo "CREATE DATABASE \"$quoted\"" | postgres --single -j -D "$PGDATA" postgres > /dev/null
    fi
fi
shift
exec postgres -c "listen_addresses=*" "$@"
