#!/bin/bash
# enter.sh ROOT CWD COMMAND...: makes ROOT the file system of this process, which has a mount namespace of its own; runs a command in it,
# and then ends what that has left running. No PID namespace: that would be a container, where processes of the node cannot be seen.
# pivot_root and not chroot, in which unshare(1) would fail: "cannot change root filesystem propagation".
set -eu
root=$1 cwd=$2
shift 2
mount --bind "$root" "$root"
cd "$root"
mkdir -p .old
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
pivot_root . .old
umount -l /.old
rmdir /.old
cd "$cwd"
status=0
"$@" || status=$?
own=$(readlink /proc/self/ns/mnt)
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  [ "$pid" = $$ ] || [ "$(readlink "$process/ns/mnt")" != "$own" ] || kill -KILL "$pid" || :
done 2>/dev/null
exit $status
