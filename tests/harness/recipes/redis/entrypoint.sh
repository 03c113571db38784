#!/bin/sh
# Become the server as an ordinary user; arguments after it win over the defaults.
set -eu
case "${1:-}" in -*) set -- redis-server "$@" ;; esac
[ "$1" = redis-server ] || exec "$@"
shift
exec setpriv --reuid=redis --regid=redis --init-groups \
    redis-server --save "" --appendonly no --bind 0.0.0.0 --protected-mode no "$@"
