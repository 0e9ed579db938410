#!/bin/sh
# A thin front for the Makefile's lanes.
usage() {
  cat <<'TEXT'
usage: ./run_tests.sh [unit|websocket|live|all] [arguments for pytest]

  unit       everything in-process but the WebSocket folder
  websocket  the WebSocket folder, in-process
  live       the same scenarios against real processes
  all        the whole in-process suite, then the live one (the default)
TEXT
}

cd "$(dirname "$0")" || exit 1
what=${1:-all}
[ $# -eq 0 ] || shift
# Quoted for make and for its shell, so that -k "resume or cancel" arrives as one word.
args=
for arg in "$@"; do
  args="$args '$(printf '%s' "$arg" | sed -e "s/'/'\\\\''/g" -e 's/[$]/$$/g')'"
done

case $what in
  -h | --help | help) usage ;;
  unit) exec make --no-print-directory test ARGS="--ignore=tests/integration_tests/websocket $args" ;;
  websocket) exec make --no-print-directory test-websocket ARGS="$args" ;;
  live) exec make --no-print-directory test-live ARGS="$args" ;;
  all) exec make --no-print-directory test test-slow test-live ARGS="$args" ;;
  *)
    echo "run_tests.sh: there is no \"$what\"; say unit, websocket, live or all." >&2
    exit 2
    ;;
esac
