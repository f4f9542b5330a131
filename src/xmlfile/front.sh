# Runs in front of each rank's program under `hwloc-share --xmlfile`: sets HWLOC_XMLFILE to this node's topology, then becomes
# the program. Sourced by sh -c, with the program and its arguments as "$@". This is plain sh, since Node cannot become another
# program, and changes limits and signals at its start.
#
# The first rank of a node discovers the machine and writes the file; the other ranks wait for it. Each rank opens the file for
# its program, and HWLOC_XMLFILE names the descriptor. So the file can be removed once all ranks have opened it, and nothing is
# left on the node in any case.
#
# Variables from the launcher: HWLOC_SHARE_JOB, HWLOC_SHARE_NODE (Node's program), HWLOC_SHARE_UID, HWLOC_SHARE_XMLFILE (this
# file). The program is started even if anything goes wrong. Values are computed in subshells: an assignment in this shell could
# change a variable that the program inherits.

# Open MPI passes them on to other nodes with the prefix OMPI_. Not exported: the program gets them unchanged.
: "${HWLOC_SHARE_JOB:=$OMPI_HWLOC_SHARE_JOB}" "${HWLOC_SHARE_NODE:=$OMPI_HWLOC_SHARE_NODE}" "${HWLOC_SHARE_UID:=$OMPI_HWLOC_SHARE_UID}"
: "${HWLOC_SHARE_DIR:=$OMPI_HWLOC_SHARE_DIR}" "${HWLOC_SHARE_TIMEOUT:=$OMPI_HWLOC_SHARE_TIMEOUT}"

# Whether a path is a directory of this user, and not a link.
hwloc_share_is_ours() {
  [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]
}

# Makes the directory "$dir" in "$root". Succeeds in one rank of the node. This rank starts the writer.
hwloc_share_make() {
  hwloc_share_is_ours "$root" || mkdir -m 700 "$root" || hwloc_share_is_ours "$root" || return 1
  case $(ls -ld "$root/.") in drwx------*) ;; *) return 1 ;; esac
  mkdir -m 700 "$dir"
}

# Starts the writer of the file. It holds a lock meanwhile, so that no other job removes the directory as the leftover of a dead
# job. Some of the rank's variables must not reach it: NODE_OPTIONS could make it join the job, for example.
hwloc_share_write() (
  unset NODE_OPTIONS HWLOC_XMLFILE HWLOC_THISSYSTEM HWLOC_THISSYSTEM_ALLOWED_RESOURCES
  "$HWLOC_SHARE_NODE" "${HWLOC_SHARE_XMLFILE%/*}/bin.mjs" "$dir" lock </dev/null 2>&3
  # 3: the writer of another rank is running.
  [ $? = 3 ] || [ -e "$dir/topology.xml" ] || : >"$dir/failed"
)

# Waits until the file exists, or its writer has failed, or the timeout is over.
hwloc_share_await() {
  limit=${HWLOC_SHARE_TIMEOUT%%.*}
  case $limit in '' | 0 | *[!0-9]*) limit=30 ;; esac
  # Seconds on a clock that never goes back.
  read -r start _ </proc/uptime
  until [ -e "$dir/topology.xml" ]; do
    [ ! -e "$dir/failed" ] || return 1
    read -r now _ </proc/uptime
    [ $((${now%.*} - ${start%.*})) -lt "$limit" ] || return 1
    sleep 0.05 || sleep 1
  done
}

# Prints the directory of this node's file, and waits for the file.
hwloc_share_find() (
  umask 077
  read -r host </proc/sys/kernel/hostname
  # If a node has several daemons of the launcher, each has its own directory.
  key=$HWLOC_SHARE_JOB.xmlfile-$PPID@$host
  for base in "$HWLOC_SHARE_DIR" /dev/shm "$XDG_RUNTIME_DIR" "${TMPDIR:-/tmp}"; do
    [ -n "$base" ] || continue
    root=$base/hwloc-share-$HWLOC_SHARE_UID
    dir=$root/$key
    # A job that ends removes empty directories, perhaps between two steps here. So try twice.
    for _ in 1 2; do
      hwloc_share_is_ours "$dir" && break
      # The rank that starts the writer waits as long as the others. (The writer's output must not mix with ours.)
      if hwloc_share_make; then hwloc_share_write >/dev/null & fi
    done
    hwloc_share_is_ours "$dir" || continue
    echo "$dir"
    hwloc_share_await
    return
  done
  return 1
)

# Notes that this rank no longer needs the directory. The last rank of the node removes it.
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

# Prints a free descriptor for the program: the highest that a shell can name, since launchers use low ones. (3 is used below.)
# Ranks of Hydra may have none free, because they inherit Hydra's own connections by mistake. Then one of those is replaced, but
# not the rank's own connection.
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

# Opens the file for the program, and sets the variables.
hwloc_share_front() {
  case $HWLOC_XMLFILE in
  '') ;;
  # Set by the wrapper, if this is its node; or by a program that started the launcher.
  */*.xmlfile@"$(cat /proc/sys/kernel/hostname)"/topology.xml | /proc/*/fd/*)
    if [ -r "$HWLOC_XMLFILE" ]; then return; fi
    ;;
  */*.xmlfile@*/topology.xml) ;;
  # Set by the user.
  *) return ;;
  esac
  unset HWLOC_XMLFILE
  [ -z "$HWLOC_SYNTHETIC$HWLOC_FSROOT$HWLOC_CPUID_PATH" ] || return
  set -- "$(hwloc_share_find)" "$(hwloc_share_descriptor)"
  [ -n "$1" ] || return
  # `command`: otherwise the shell ends if the file cannot be opened.
  if [ -n "$2" ] && [ -r "$1/topology.xml" ] && eval "command exec $2<\"\$1/topology.xml\""; then
    # With the pid, not /proc/self: a child that closes inherited descriptors can still open it.
    export HWLOC_XMLFILE="/proc/$$/fd/$2"
    export HWLOC_THISSYSTEM="${HWLOC_THISSYSTEM:-1}"
    export HWLOC_THISSYSTEM_ALLOWED_RESOURCES="${HWLOC_THISSYSTEM_ALLOWED_RESOURCES:-1}"
    # With HWLOC_COMPONENTS, hwloc ignores HWLOC_XMLFILE. The file contains what the variable asks for.
    unset HWLOC_COMPONENTS
  fi
  hwloc_share_leave "$1"
}

# Entries that a shell can hold as variables. dash drops all other entries of the environment, such as bash's exported functions;
# bash keeps them.
hwloc_share_valid='^[A-Za-z_][A-Za-z0-9_]*='

hwloc_share_has_lost() {
  [ -z "$BASH_VERSION" ] && LC_ALL=C grep -qzv "$hwloc_share_valid" "/proc/$$/environ"
}

# The dropped entries, as words for eval. While each entry is a line, newlines in entries are replaced.
hwloc_share_lost() (
  export LC_ALL=C
  tr '\n\000' '\001\n' <"/proc/$$/environ" | grep -v "$hwloc_share_valid" | sed "s/'/'\\\\''/g; s/.*/'&'/" | tr '\n\001' ' \n'
)

# Only the writer of the file may print messages.
{ hwloc_share_front; } 3>&2 2>/dev/null
unset HWLOC_SHARE_NODE HWLOC_SHARE_UID OMPI_HWLOC_SHARE_NODE OMPI_HWLOC_SHARE_UID

# Open MPI and Slurm also find a program in the working directory if it is not in PATH.
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
