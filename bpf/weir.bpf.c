// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* weir.bpf.c - the one object: all programs, one row a file. They share the maps, and the
 * kernel's type information, of which the reading costs more than that of the programs, is
 * read once. Which programs are loaded is decided in userspace/capture/load.c. */
#include "bpf/process.bpf.c"
#include "bpf/check.bpf.c"
#include "bpf/socket_length.bpf.c"
#include "bpf/socket_layer.bpf.c"
#include "bpf/socket_exit.bpf.c"
#include "bpf/datagram.bpf.c"
#include "bpf/tls.bpf.c"
#include "bpf/tls_go.bpf.c"
#include "bpf/seed.bpf.c"
#include "bpf/behind.bpf.c"
#include "bpf/tls_rust.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
