#!/bin/sh
# Become the server as an ordinary user; arguments after it are added to the defaults.
set -eu
case "${1:-}" in -*) set -- nats-server "$@" ;; esac
[ "$1" = nats-server ] || exec "$@"
shift
exec setpriv --reuid=nats-user --regid=nats-user --init-groups nats-server -js -sd /data -m 8222 "$@"
