# SPDX-License-Identifier: Apache-2.0
# What the scripts in tools/ share. Source it: . "$(dirname "$0")/lib.sh"
#
# Sets TW_ROOT (top of the tree), TW_LOGS (where output of long steps goes) and TW_JOBS, and makes
# ccache find what another checkout of the same sources has compiled.

TW_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TW_LOGS="${TW_ROOT}/build/logs"
TW_JOBS="${TW_JOBS:-$(nproc)}"
mkdir -p "${TW_LOGS}"

export CCACHE_DIR="${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-${TW_ROOT}/build}/.cache}/ccache}"
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-5G}"
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-${TW_ROOT}}"
export CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"

tw_say() { printf '%s\n' "$*"; }

# tw_step TITLE LOG COMMAND…: runs COMMAND with its output in TW_LOGS/LOG, prints one line with the
# seconds it took; if it fails, prints the end of the log and where the rest is. Its exit code is
# COMMAND's.
tw_step() {
  local title="$1" log="${TW_LOGS}/$2" began=${SECONDS} code=0
  shift 2
  "$@" >"${log}" 2>&1 </dev/null || code=$?
  if ((code == 0)); then
    printf '  %-58s %5d s\n' "${title}" $((SECONDS - began))
    return 0
  fi
  printf '  %-58s FAILED after %d s\n' "${title}" $((SECONDS - began))
  printf -- '---- the end of %s\n' "${log}"
  tail -n "${TW_TAIL:-80}" "${log}"
  printf -- '---- %s failed (exit code %d); all of its output: %s\n' "${title}" "${code}" "${log}"
  return "${code}"
}

# tw_files PATTERN…: files of the tree (what git ignores left out) whose names match a pattern.
tw_files() {
  local file pattern
  {
    git -C "${TW_ROOT}" ls-files --cached --others --exclude-standard 2>/dev/null ||
      (cd "${TW_ROOT}" && find . \( -name .git -o -name 'build*' -o -name node_modules \) -prune \
        -o -type f -print | sed 's|^\./||')
  } | sort -u | while IFS= read -r file; do
    for pattern in "$@"; do
      # shellcheck disable=SC2254
      case "${file}" in
        ${pattern}) [[ -f "${TW_ROOT}/${file}" ]] && printf '%s\n' "${file}" ;;
      esac
    done
  done
}
