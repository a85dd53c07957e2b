#!/bin/sh
# What a person would type instead of `examctl sandbox up` and `down`: the two servers, and nothing on them.
# usage: plain-services.sh up|down FOLDER POSTGRES_BIN_FOLDER REDIS_SERVER POSTGRES_PORT REDIS_PORT
set -eu
verb=$1 folder=$2 postgres=$3 redis=$4 postgres_port=$5 redis_port=$6
case $verb in
  up)
    "$postgres/initdb" --pgdata "$folder/data" --auth trust --username exam_user --encoding UTF8 --locale C --no-sync >/dev/null
    "$postgres/pg_ctl" --pgdata "$folder/data" --wait --log "$folder/postgres.log" \
      --options "-c port=$postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null
    "$redis" --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$folder" --daemonize yes \
      --pidfile "$folder/redis.pid" --logfile "$folder/redis.log" >/dev/null
    until grep -q 'Ready to accept' "$folder/redis.log" 2>/dev/null; do sleep 0.01; done
    ;;
  down)
    kill "$(cat "$folder/redis.pid")"
    "$postgres/pg_ctl" --pgdata "$folder/data" --wait --mode fast stop >/dev/null
    while [ -e "$folder/redis.pid" ]; do sleep 0.01; done
    rm -rf "$folder/data" "$folder"/*.log
    ;;
esac
