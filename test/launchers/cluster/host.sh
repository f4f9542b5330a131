#!/bin/sh
# One host of a cluster: host.sh FOLDER NAME. It has a network, a hostname, System V IPC, /dev/shm and /tmp of its own. What has to
# be the same on all hosts, as on a file system that they share, is named in FOLDER/shared, a path a line.
set -eu
folder=$1 name=$2
hostname "$name"
ip link set lo up
mount --bind "$folder/hosts" /etc/hosts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir "$folder/$name.tmp"
mount -t tmpfs -o mode=1777 tmpfs "$folder/$name.tmp"
while read -r path; do
  case $path in /tmp/*) ;; *) continue ;; esac # the rest of the file system is there anyway
  mkdir -p "$folder/$name.tmp/${path#/tmp/}"
  mount --rbind "$path" "$folder/$name.tmp/${path#/tmp/}"
done < "$folder/shared"
touch "$folder/$name.ready"
mount --move "$folder/$name.tmp" /tmp
exec sleep infinity
