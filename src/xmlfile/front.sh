# Stands in front of each rank's program under `hwloc-share --xmlfile`, and becomes it: sees to it that HWLOC_XMLFILE names this
# node's topology. Sourced by sh -c, with the program and its arguments as "$@". Plain sh and not Node, which cannot become another
# program, and has changed limits and signals by the time it could.
#
# The first rank of a node discovers the machine and writes the file, the others wait for it. Each opens it for its program, and names
# it by that descriptor; so it needs no name any more when all have it, and nothing is left on the node however the job ends.
#
# Told by the launcher: HWLOC_SHARE_JOB, HWLOC_SHARE_NODE (Node's program), HWLOC_SHARE_UID, HWLOC_SHARE_XMLFILE (this file).
# Whatever goes wrong, the program is started. What is computed is computed in subshells: an assignment out here could change a
# variable that the program is to inherit.

# Open MPI passes them on to other nodes with OMPI_ in front. Not exported: the program finds them as they came.
: "${HWLOC_SHARE_JOB:=$OMPI_HWLOC_SHARE_JOB}" "${HWLOC_SHARE_NODE:=$OMPI_HWLOC_SHARE_NODE}" "${HWLOC_SHARE_UID:=$OMPI_HWLOC_SHARE_UID}"
: "${HWLOC_SHARE_DIR:=$OMPI_HWLOC_SHARE_DIR}" "${HWLOC_SHARE_TIMEOUT:=$OMPI_HWLOC_SHARE_TIMEOUT}"

# A directory of ours, and no link to one.
hwloc_share_is_ours() {
  [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]
}

# Makes the directory "$dir" in "$root". Succeeds in one rank of the node: the one that is to have the file written.
hwloc_share_make() {
  hwloc_share_is_ours "$root" || mkdir -m 700 "$root" || hwloc_share_is_ours "$root" || return 1
  case $(ls -ld "$root/.") in drwx------*) ;; *) return 1 ;; esac
  mkdir -m 700 "$dir"
}

# Has the file written. Meanwhile Node holds a lock, so that no other job takes the directory for a dead one's. The rank's own variables are
# not Node's business: NODE_OPTIONS may make it join the job, for one.
hwloc_share_write() (
  unset NODE_OPTIONS HWLOC_XMLFILE HWLOC_THISSYSTEM HWLOC_THISSYSTEM_ALLOWED_RESOURCES
  "$HWLOC_SHARE_NODE" "${HWLOC_SHARE_XMLFILE%/*}/bin.mjs" "$dir" lock </dev/null 2>&3
  # 3: another rank's is at it.
  [ $? = 3 ] || [ -e "$dir/topology.xml" ] || : >"$dir/failed"
)

# Waits for the file: until it is there, has failed, or the time is over.
hwloc_share_await() {
  limit=${HWLOC_SHARE_TIMEOUT%%.*}
  case $limit in '' | 0 | *[!0-9]*) limit=30 ;; esac
  # Seconds, and more, on a clock that only goes forward.
  read -r start _ </proc/uptime
  until [ -e "$dir/topology.xml" ]; do
    [ ! -e "$dir/failed" ] || return 1
    read -r now _ </proc/uptime
    [ $((${now%.*} - ${start%.*})) -lt "$limit" ] || return 1
    sleep 0.05 || sleep 1
  done
}

# Says in which directory the file of this node is, when it is there.
hwloc_share_find() (
  umask 077
  read -r host </proc/sys/kernel/hostname
  # Each of the launcher's daemons has its own, should a node have several.
  key=$HWLOC_SHARE_JOB.xmlfile-$PPID@$host
  for base in "$HWLOC_SHARE_DIR" /dev/shm "$XDG_RUNTIME_DIR" "${TMPDIR:-/tmp}"; do
    [ -n "$base" ] || continue
    root=$base/hwloc-share-$HWLOC_SHARE_UID
    dir=$root/$key
    # A job that ends removes what is empty, and may do so between two steps of ours: hence a second try.
    for _ in 1 2; do
      hwloc_share_is_ours "$dir" && break
      # The rank that has started it waits like the others, no longer. (Its output is not what `find` says.)
      if hwloc_share_make; then hwloc_share_write >/dev/null & fi
    done
    hwloc_share_is_ours "$dir" || continue
    echo "$dir"
    hwloc_share_await
    return
  done
  return 1
)

# Notes that this rank needs the directory no more. The last of the node removes it.
hwloc_share_leave() (
  umask 077
  : >"$1/left.$$"
  set -- "$1" "$1"/left.*
  left=$(($# - 1))
  dir=$1
  ranks=${OMPI_COMM_WORLD_LOCAL_SIZE:-$MPI_LOCALNRANKS}
  if [ -z "$ranks" ]; then
    # Slurm: the numbers of all ranks on this node.
    set -f
    IFS=,
    # shellcheck disable=SC2086
    set -- $SLURM_GTIDS
    ranks=$#
  fi
  [ "$ranks" -ge 1 ] && [ "$left" -ge "$ranks" ] || return 0
  rm -rf "$dir"
  rmdir "${dir%/*}"
)

# A descriptor for the program: a free one, the highest of those that a shell can name, since launchers' own are low. (3 is in use
# below.) Hydra's ranks may have none: they inherit its own connections by mistake. One of those is given up, but not the rank's.
hwloc_share_descriptor() (
  for descriptor in 9 8 7 6 5 4; do
    if [ ! -e "/proc/$$/fd/$descriptor" ]; then
      echo "$descriptor"
      return
    fi
  done
  [ -n "$MPI_LOCALRANKID" ] || return
  for descriptor in 9 8 7 6 5 4; do
    case $(readlink "/proc/$$/fd/$descriptor") in
    socket:*)
      [ "$descriptor" != "$PMI_FD" ] || continue
      echo "$descriptor"
      return
      ;;
    esac
  done
)

# Opens the file for the program, and tells it so.
hwloc_share_front() {
  case $HWLOC_XMLFILE in
  '') ;;
  # The wrapper's, if this is its node; or that of a program that started the launcher.
  */*.xmlfile@"$(cat /proc/sys/kernel/hostname)"/topology.xml | /proc/*/fd/*)
    if [ -r "$HWLOC_XMLFILE" ]; then return; fi
    ;;
  */*.xmlfile@*/topology.xml) ;;
  # The user's.
  *) return ;;
  esac
  unset HWLOC_XMLFILE
  [ -z "$HWLOC_SYNTHETIC$HWLOC_FSROOT$HWLOC_CPUID_PATH" ] || return
  set -- "$(hwloc_share_find)" "$(hwloc_share_descriptor)"
  [ -n "$1" ] || return
  # `command`: else the shell ends where the file cannot be opened.
  if [ -n "$2" ] && [ -r "$1/topology.xml" ] && eval "command exec $2<\"\$1/topology.xml\""; then
    # By the process, not as /proc/self: a child that closes what it inherits can still open it.
    export HWLOC_XMLFILE="/proc/$$/fd/$2"
    export HWLOC_THISSYSTEM="${HWLOC_THISSYSTEM:-1}"
    export HWLOC_THISSYSTEM_ALLOWED_RESOURCES="${HWLOC_THISSYSTEM_ALLOWED_RESOURCES:-1}"
    # With it, hwloc does not look at HWLOC_XMLFILE. What it asks for is in the file.
    unset HWLOC_COMPONENTS
  fi
  hwloc_share_leave "$1"
}

# What a shell can hold as a variable. dash drops the rest of an environment, with it bash's exported functions; bash keeps it.
hwloc_share_valid='^[A-Za-z_][A-Za-z0-9_]*='

hwloc_share_has_lost() {
  [ -z "$BASH_VERSION" ] && LC_ALL=C grep -qzv "$hwloc_share_valid" "/proc/$$/environ"
}

# The entries that were dropped, as words for eval. Newlines in them stand aside while an entry is a line.
hwloc_share_lost() (
  export LC_ALL=C
  tr '\n\000' '\001\n' <"/proc/$$/environ" | grep -v "$hwloc_share_valid" | sed "s/'/'\\\\''/g; s/.*/'&'/" | tr '\n\001' ' \n'
)

# Only the program that writes the file has something to say.
{ hwloc_share_front; } 3>&2 2>/dev/null
unset HWLOC_SHARE_NODE HWLOC_SHARE_UID OMPI_HWLOC_SHARE_NODE OMPI_HWLOC_SHARE_UID

# Open MPI and Slurm find a program in the working directory, too, where it is not in PATH.
if [ -n "$OMPI_COMM_WORLD_RANK$SLURM_PROCID" ] && [ "${1#*/}" = "$1" ] && [ -x "./$1" ] && ! command -v "$1" >/dev/null; then
  hwloc_share_program=./$1
  shift
  set -- "$hwloc_share_program" "$@"
fi
# env would take a program with = in its name for a variable.
if [ "${1#*=}" = "$1" ] && hwloc_share_has_lost 2>/dev/null; then
  eval "set -- env $(hwloc_share_lost) \"\$@\""
fi
exec "$@"
