#!/bin/bash
# enter.sh ROOT CWD COMMAND...: makes ROOT the file system of this process, then runs a command in it. Runs in mount and PID namespaces
# of its own, as pid 1, which is why it waits: it has to reap orphans, and all ends with it.
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
exit $status
