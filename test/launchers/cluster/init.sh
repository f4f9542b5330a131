#!/bin/sh
# The first process of a cluster: init.sh FOLDER HOSTS. Runs in a network, mount and PID namespace of its own, as pid 1: when it
# ends, the kernel ends all that was ever started on the hosts. Makes the hosts, says so by FOLDER/ready, and reaps their orphans.
set -eu
folder=$1 hosts=$2
here=$(dirname "$0")
links=$folder/links

{ echo "link set lo up"; echo "link add br0 type bridge"; echo "link set br0 up"; } > "$links"
for i in $(seq "$hosts"); do
  CLUSTER_HOST=h$i unshare --net --uts --ipc --mount --propagation private sh "$here/host.sh" "$folder" "h$i" &
  echo $! > "$folder/h$i.pid"
done
for i in $(seq "$hosts"); do
  until [ -e "$folder/h$i.ready" ]; do sleep 0.005; done
  pid=$(cat "$folder/h$i.pid")
  echo "link add out$i type veth peer name eth0 netns $pid"
  echo "link set out$i master br0 up"
done >> "$links"
ip -batch "$links"
for i in $(seq "$hosts"); do
  printf 'addr add 10.66.0.%s/24 dev eth0\nlink set eth0 up\n' "$i" | nsenter -t "$(cat "$folder/h$i.pid")" --net ip -batch -
done
touch "$folder/ready"
while :; do sleep 60 & wait $! || :; done
