#!/bin/sh
# Submits a thousand tasks from a file, waits for all of them, retries what failed at a rate, and says what happened:
#   sh examples/submit_many.sh [SERVICE ACTION]
# A second run of the same file creates nothing twice. TASK_API_URL is the address of the API.
set -u
service=${1:-demo} action=${2:-echo} run=$(date +%s)-$$
cli=${TASK_API:-node dist/src/bin.js}
tasks=$(mktemp)
trap 'rm -f "$tasks"' EXIT

n=0
while [ $n -lt 1000 ]; do
  echo "{\"service\":\"$service\",\"action\":\"$action\",\"payload\":{\"n\":$n},\"labels\":{\"run\":\"$run\"}}"
  n=$((n + 1))
done > "$tasks"

# 0: all are complete; 1: some failed.
$cli batch "$tasks" || $cli retry --label run="$run" --status failed --rate 100/s
$cli batch "$tasks" --no-wait
