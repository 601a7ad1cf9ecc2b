#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh - the first process of a system that scripts/kernel-test boots: makes what an init
# would have made, runs the command that waits in /command, tells its status and ends the machine.
# Slow without KVM: deadlines are stretched, and weir is not kept to a share of so slow a CPU.
# Three serial ports: the kernel's console, the command's output, the status.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 WEIR_GUEST=1 SLOW=10 LIMIT=600 WEIR_OPTIONS="--max-cpu 1000"
mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tracefs trace /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs security /sys/kernel/security
ln -sfn /proc/self/fd /dev/fd
for port in 1 2; do stty -F /dev/ttyS$port raw -echo; done
exec >/dev/ttyS1 2>&1 </dev/null
ulimit -n 65536
# The loopback device, by SIOCSIFFLAGS: not every host has a program for it.
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))'
for module in /modules/"$(uname -r)"/*.ko; do
	[ ! -e "$module" ] || insmod "$module" || echo "guest: no $module: tests skip what needs it"
done
# Whoever made the image, inside it is root's.
chown -R 0:0 /weir
cd /weir || exit 1
bash /command
status=$?
sync
echo "status $status after $(cut -d' ' -f1 /proc/uptime) s" >/dev/ttyS2
exec 2>/dev/null
echo b >/proc/sysrq-trigger
