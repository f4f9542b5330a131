#!/bin/sh
# What ssh is to real hosts, to start daemons with: FOLDER/rsh [options of ssh] HOST COMMAND… As with ssh, the variables of whoever
# calls it stay behind.
while :; do
  case $1 in
    -[bcDEeFIiJLlmOopQRSWw]) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
pid=$(cat "FOLDER/${1#*@}.pid") || exit 255
shift
exec env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root SHELL=/bin/sh USER=root LOGNAME=root \
  nsenter -t "$pid" --net --uts --ipc --mount -- sh -c "cd /; $*"
