#!/bin/sh
# What a process finds around itself: "== name" lines, each followed by what it found.
# Runs in a busybox image on any engine; says nothing that differs from run to run.
PATH=/bin
part() { echo "== $1"; }
part status
sed -n '/^\(Umask\|Uid\|Gid\|Groups\|Cap...\|NoNewPrivs\|Seccomp\|Seccomp_filters\|Speculation_[A-Za-z_]*\|SigBlk\|SigIgn\|SigCgt\|THP_enabled\|CoreDumping\)/p' /proc/self/status
part id; id
part env; env | sort
part cwd; readlink /proc/self/cwd; readlink /proc/self/root
part limits; sed 's/  */ /g' /proc/self/limits
part oom; cat /proc/self/oom_score_adj
part cgroup; cat /proc/self/cgroup
part namespaces; for n in cgroup ipc mnt net pid user uts time; do echo "$n $(readlink /proc/self/ns/$n)"; done
part mounts; cat /proc/self/mountinfo
part devices; find /dev -xdev -exec stat -c '%N %F %a %t:%T %u:%g' {} +; stat -c '%n %F %a %u:%g' /dev/pts /dev/shm /dev/mqueue 2>/dev/null
part fds; for f in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$f -o -L /proc/self/fd/$f ] && echo "$f $(readlink /proc/self/fd/$f)"; done
part sysctls
for s in kernel/hostname kernel/domainname kernel/shm_rmid_forced kernel/shmmax kernel/msgmax kernel/sem kernel/yama/ptrace_scope fs/mqueue/msg_max net/ipv4/ip_forward net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/ipv4/conf/all/route_localnet net/ipv6/conf/all/disable_ipv6 net/ipv6/conf/default/disable_ipv6 net/ipv6/conf/all/accept_ra net/ipv6/conf/all/forwarding net/ipv4/conf/all/forwarding net/ipv6/conf/lo/disable_ipv6; do
  echo "$s $(cat /proc/sys/$s 2>&1 | tr '\t' ' ')"; done
part writable
for d in /proc/sys /proc/bus /proc/fs /proc/irq /proc/acpi /sys /sys/fs/cgroup /sys/firmware /proc/scsi / /etc /dev /dev/shm /tmp; do
  if [ ! -e $d ]; then echo "$d absent"; elif touch $d/.w 2>/dev/null; then echo "$d yes"; rm -f $d/.w; else echo "$d no"; fi; done
for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug /proc/interrupts /sys/kernel/mm/transparent_hugepage/enabled; do
  if [ ! -e $f ]; then echo "$f absent"; elif ( : >>$f ) 2>/dev/null; then echo "$f opens"; else echo "$f no"; fi; done
part masked; for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/latency_stats /proc/sched_debug; do [ -e $f ] && stat -c '%n %F' $f; done
for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do [ -e $d ] && echo "$d $(ls $d | wc -l)"; done
part process; sed 's/.*) //' /proc/self/stat | { read s pp pg ss tty rest; [ "$pg" = "$ss" ] && echo "group is session" || echo "group is not session"; [ "$tty" = 0 ] && echo "no terminal" || echo "terminal"; }
stat -c 'environ of %u:%g %a' /proc/self/environ
cat /proc/self/coredump_filter /proc/self/timerslack_ns /proc/self/attr/current /proc/self/loginuid /proc/self/personality 2>&1 | tr '\000' '\n'
part first; tr '\000' ' ' </proc/1/cmdline; echo
part etc; stat -c '%n %F %a %u:%g' /etc /etc/*; cat /etc/resolv.conf | grep -v '^#'; ls /
