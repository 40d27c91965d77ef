#!/bin/sh
# Submits a thousand tasks in batches, waits for all of them, retries what failed at a rate, and says what happened. It needs curl:
#   sh examples/submit_many.sh [URL [SERVICE ACTION]]
# The variable TASK_API_KEY holds the key, where the API wants one.
# Nothing is lost and nothing is created twice, whatever breaks: each batch has an Idempotency-Key, and is sent again until it
# is answered. A change of many tasks can be sent again as well: what has been retried is not retried again.
set -u
url=${1:-http://127.0.0.1:3000} service=${2:-demo} action=${3:-echo}
count=1000 size=100 run=$(date +%s)-$$

# key: what curl reads on stdin. An argument would be seen by everybody on this machine.
key() {
  [ -z "${TASK_API_KEY:-}" ] || printf 'header = "authorization: Bearer %s"\n' "$TASK_API_KEY"
}

# ask METHOD PATH [OPTIONS OF CURL]: sends a request again and again until it is answered. A node may be away, and another one
# takes its place.
ask() {
  method=$1 path=$2 tries=0
  shift 2
  while [ $tries -lt 240 ]; do
    # The status stands in the last line. Where curl fails, the answer was cut off in the middle.
    if answer=$(key | curl -K - -s -m 30 -w '\n%{http_code}' -X "$method" "$@" "$url$path"); then
      case $answer in
        *2??) printf '%s' "${answer%???}" && return ;;
        # 409 idempotency_in_progress, 429 and 503 pass; anything else would be refused again.
        *409 | *429 | *502 | *503 | *504) ;;
        *) echo "$method $path answered: $answer" >&2 && return 1 ;;
      esac
    fi
    tries=$((tries + 1))
    sleep 1
  done
  echo "$url does not answer" >&2
  return 1
}

# change PATH: follows a change of many tasks to its end, and prints how many matched.
change() {
  next=$1 matched=0
  while [ -n "$next" ]; do
    told=$(ask POST "$next") || return 1
    matched=$((matched + $(echo "$told" | sed -n 's/.*"matched":\([0-9]*\).*/\1/p')))
    next=$(echo "$told" | sed -n 's/.*"next":"\([^"]*\)".*/\1/p')
  done
  echo $matched
}

# count FILTERS: counts tasks of this run. A dry run changes nothing, and reads no payloads.
count() {
  change "/tasks/retry?label.run=$run&dryRun=true$1"
}

wait_for_all() {
  left=1
  while [ "$left" -gt 0 ]; do
    sleep 1
    left=$(count '&status=pending,running') || exit 1
  done
}

at=0
while [ $at -lt $count ]; do
  tasks='' n=$at
  while [ $n -lt $((at + size)) ]; do
    task="{\"service\":\"$service\",\"action\":\"$action\",\"payload\":{\"n\":$n},\"labels\":{\"run\":\"$run\"}}"
    tasks="$tasks${tasks:+,}$task"
    n=$((n + 1))
  done
  ask POST /tasks/batch -H 'content-type: application/json' -H "idempotency-key: $run-$at" -d "[$tasks]" >/dev/null || exit 1
  at=$((at + size))
done
created=$(count '') || exit 1
echo "$count tasks submitted, $created created"

wait_for_all
complete=$(count '&status=complete') || exit 1
failed=$(count '&status=failed') || exit 1
echo "$complete complete, $failed failed"

if [ "$failed" -gt 0 ]; then
  change "/tasks/retry?label.run=$run&status=failed&retried=false&rate=100/s" >/dev/null || exit 1
  wait_for_all
  retried=$(count '&retried=true') || exit 1
  again=$(count '&status=complete') || exit 1
  echo "$retried retried, $((again - complete)) of them complete"
fi
