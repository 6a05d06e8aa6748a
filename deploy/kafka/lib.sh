# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in this folder share. Source it: . "$(dirname "$0")/lib.sh"
#
# A cluster is a folder:
#
#   cluster              nodes, id and ports, written when the folder is whole
#   lock                 held while up or down work on the folder
#   node-N/server.properties, server.log, data/
#   node-N/pid, running  the broker holds a lock on `running` for as long as it lives
#
# A node is up or not by that lock, not by its pid: pids come again, and a killed process that
# nobody waits for still has one.

KAFKA_HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
KAFKA_ME="deploy/kafka/$(basename "$0")"
KAFKA_FOLDER="${TMPDIR:-/tmp}/tallywire-kafka-${UID}"

# Exit codes: 1 failed, 2 usage, 5 java or maven is not installed.
say() { printf '%s\n' "$*" >&2; }
fail() {
  local code="$1"
  shift
  say "${KAFKA_ME}: $*"
  exit "${code}"
}
usage() {
  sed -n '4,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
  exit "$1"
}
# needs FLAG LEFT: FLAG must be followed by a value; LEFT arguments are left, FLAG counted.
needs() { (($2 >= 2)) || fail 2 "$1 needs a value"; }
is_number() { [[ "$1" =~ ^[1-9][0-9]{0,4}$ ]]; }
microseconds() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }
# seconds_since BEGAN: with one digit, as 2.1
seconds_since() {
  local tenths=$((($(microseconds) - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# ---- the cluster's folder

# absolute_folder: where --folder has been read; what follows may change folders.
absolute_folder() { KAFKA_FOLDER="$(realpath -m -- "${KAFKA_FOLDER}")"; }

# read_cluster: sets NODES, ID, PORTS[1…], CONTROLLER_PORTS[1…]; fails if there is no whole cluster.
read_cluster() {
  local key value
  NODES=0 ID='' PORTS=() CONTROLLER_PORTS=()
  [[ -f "${KAFKA_FOLDER}/cluster" ]] || return 1
  while IFS='=' read -r key value; do
    case "${key}" in
      nodes) NODES="${value}" ;;
      id) ID="${value}" ;;
      port.*) PORTS[${key#port.}]="${value}" ;;
      controller.*) CONTROLLER_PORTS[${key#controller.}]="${value}" ;;
    esac
  done <"${KAFKA_FOLDER}/cluster"
}

write_cluster() {
  local node
  {
    printf 'nodes=%s\nid=%s\n' "${NODES}" "${ID}"
    for ((node = 1; node <= NODES; ++node)); do
      printf 'port.%s=%s\n' "${node}" "${PORTS[node]}"
      printf 'controller.%s=%s\n' "${node}" "${CONTROLLER_PORTS[node]}"
    done
  } >"${KAFKA_FOLDER}/cluster.new"
  mv "${KAFKA_FOLDER}/cluster.new" "${KAFKA_FOLDER}/cluster"
}

bootstrap_servers() {
  local node line=''
  for ((node = 1; node <= NODES; ++node)); do
    line+=",127.0.0.1:${PORTS[node]}"
  done
  printf '%s\n' "${line#,}"
}

# lock_folder: waits until no other up or down works on the folder; held until this script ends, on
# descriptor 9. A folder that was wiped meanwhile is made again.
lock_folder() {
  while :; do
    (umask 077 && mkdir -p "${KAFKA_FOLDER}") || fail 1 "${KAFKA_FOLDER} cannot be made"
    [[ -O "${KAFKA_FOLDER}" ]] || fail 1 "${KAFKA_FOLDER} is another user's; choose a --folder"
    # In this order: the lock is the first file that another command makes.
    if [[ -n "$(ls -A "${KAFKA_FOLDER}")" && ! -e "${KAFKA_FOLDER}/lock" ]]; then
      fail 1 "${KAFKA_FOLDER} has files that are not a cluster's; choose another --folder"
    fi
    exec 9>>"${KAFKA_FOLDER}/lock"
    if ! flock -n 9; then
      say "waiting for another command that works on ${KAFKA_FOLDER}"
      flock -w 900 9 || fail 1 "${KAFKA_FOLDER}/lock was held for 15 minutes"
    fi
    [[ "${KAFKA_FOLDER}/lock" -ef /proc/self/fd/9 ]] && return 0
  done
}

# choose_nodes ONE: sets WANTED to that node, or to all if it is empty.
choose_nodes() {
  local one="$1"
  mapfile -t WANTED < <(seq "${NODES}")
  [[ -n "${one}" ]] || return 0
  [[ " ${WANTED[*]} " == *" ${one} "* ]] || fail 2 "--node is a number from 1 to ${NODES}"
  WANTED=("${one}")
}

# ---- nodes

is_running() {
  local running="${KAFKA_FOLDER}/node-$1/running"
  [[ -e "${running}" ]] && ! flock -n -s "${running}" true
}
node_pid() { cat "${KAFKA_FOLDER}/node-$1/pid"; }

# wait_end NODE SECONDS: whether the node ended in time.
wait_end() { flock -w "$2" -s "${KAFKA_FOLDER}/node-$1/running" true; }

# is_taken PORT: whether something listens there.
is_taken() { timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

# end_node NODE TERM|KILL: ends a running node and waits until it is gone.
end_node() {
  local node="$1" signal="$2"
  kill -s "${signal}" "$(node_pid "${node}")" 2>/dev/null || true
  wait_end "${node}" 30 && return 0
  say "node ${node} did not end within 30 s: killing it"
  kill -s KILL "$(node_pid "${node}")" 2>/dev/null || true
  wait_end "${node}" 30 || fail 1 "node ${node} (pid $(node_pid "${node}")) cannot be ended"
}

# brokers_seen PORT: asks the node on that port which brokers are up (a Metadata request, version 1,
# for no topic) and prints their ids. A node answers when it has caught up with the cluster, and
# lists itself when clients may use it. Fails if there is no answer.
brokers_seen() {
  # shellcheck disable=SC2016
  timeout 5 bash -c '
    set -eo pipefail
    bytes() { head -c "$1" <&3 | od -An -v -tx1 | tr -d " \n"; }
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    # size, api key 3, version 1, correlation id, no client id, no topics
    printf "\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0" >&3
    head="$(bytes 12)"  # size, correlation id, number of brokers
    ((${#head} == 24)) || exit 1
    for ((left = 16#${head:16:8}; left > 0; --left)); do
      broker="$(bytes 6)"  # id, length of the host name
      bytes $((16#${broker:8:4} + 4)) >/dev/null
      rack="$(bytes 2)"
      [[ "${rack}" == ffff ]] || bytes $((16#${rack})) >/dev/null
      echo $((16#${broker:0:8}))
    done' _ "$1" 2>/dev/null
}

# ---- what it takes to run

# find_java: sets JAVA.
find_java() {
  local version
  JAVA="${JAVA_HOME:+${JAVA_HOME}/bin/}java"
  command -v "${JAVA}" >/dev/null ||
    fail 5 "no java here: install openjdk-17-jre-headless (or set JAVA_HOME)"
  version="$("${JAVA}" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')"
  ((${version:-0} >= 17)) ||
    fail 5 "${JAVA} is version ${version:-?}, Kafka needs 17: install openjdk-17-jre-headless"
}

# find_jars: sets JARS, the folder of Kafka's jars; fetches them the first time.
find_jars() {
  local cache version
  cache="${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/tallywire/kafka"
  version="$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "${KAFKA_HERE}/pom.xml")"
  JARS="${cache}/${version}-$(cksum <"${KAFKA_HERE}/pom.xml" | cut -d ' ' -f 1)"
  [[ -d "${JARS}" ]] || (fetch_jars "${cache}" "${version}") || exit $?
}

# fetch_jars CACHE VERSION: into a folder beside, which gets its name when it is whole.
fetch_jars() {
  local cache="$1" version="$2" began try code
  command -v mvn >/dev/null || fail 5 "no mvn here, which fetches Kafka: install maven"
  mkdir -p "${cache}" || fail 1 "${cache} cannot be made"
  exec 8>>"${cache}/lock"
  flock -n 8 || { say "waiting for another up that fetches Kafka" && flock -w 1800 8; } ||
    fail 1 "${cache}/lock was held for half an hour"
  [[ ! -d "${JARS}" ]] || return 0
  began="$(microseconds)"
  # Whoever left one of these is gone: the lock is ours.
  rm -rf "${cache}"/fetch.*
  FETCHING="$(mktemp -d "${cache}/fetch.XXXXXX")" || fail 1 "${cache} cannot be written"
  trap 'rm -rf "${FETCHING}"' EXIT
  cp "${KAFKA_HERE}/pom.xml" "${FETCHING}/"
  say "fetching Kafka ${version} into ${JARS} (once, about 55 MB)"
  for try in 1 2; do
    code=0
    (cd "${FETCHING}" && timeout 900 mvn -B -Dstyle.color=never dependency:copy-dependencies) \
      >"${FETCHING}/mvn.log" 2>&1 </dev/null 8>&- 9>&- || code=$?
    ((code != 0 && try == 1)) || break
    sleep 3
  done
  if ((code != 0)) || [[ ! -f "${FETCHING}/lib/kafka_2.13-${version}.jar" ]]; then
    say "---- the end of what mvn said"
    tail -n 30 "${FETCHING}/mvn.log" >&2
    fail 1 "Kafka ${version} could not be fetched (mvn ended with ${code})"
  fi
  mv "${FETCHING}/lib" "${JARS}" || fail 1 "${JARS} cannot be made"
  say "fetched in $(seconds_since "${began}") s"
}

# run_java LEVEL CLASS ARGS…: a short program of Kafka's: quick to start, says only what is worse
# than LEVEL.
run_java() {
  local level="$1"
  shift
  "${JAVA}" -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData \
    -Dorg.slf4j.simpleLogger.defaultLogLevel="${level}" -cp "${JARS}/*" "$@"
}
