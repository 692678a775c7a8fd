#!/bin/sh
# The first process of the virtual machine: cgroup v2, the loopback, then the command.
repo=$1 cache=$2
PATH=$cache/tree/sbin:$repo/.venv/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH ORLOP_IN_VM=1 HOME=/root LANG=C.UTF-8
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t tmpfs tmp /root 2>/dev/null
# The kernel calls modprobe by path for what it is asked for.
printf '#!/bin/sh\nexec busybox modprobe "$@"\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
ip link set lo up 2>/dev/null || busybox ip link set lo up
hostname vm 2>/dev/null || busybox hostname vm
command=$(busybox sed 's/.*vm_command=\([0-9a-f]*\).*/\1/' /proc/cmdline | busybox xxd -r -p)
cd "$repo" || exit 1
sh -c "$command" </dev/null
echo "vm: exit $?"
sync
busybox poweroff -f
