/* SPDX-License-Identifier: Apache-2.0 */
/* prove.h - do the socket hooks that were just attached work? Attached is not working: there are
 * kernels on which programs load, attach and never run. */
#ifndef WEIR_PROVE_H
#define WEIR_PROVE_H
#include <stddef.h>

enum proof { PROOF_DEAD, PROOF_WORKS, PROOF_NONE /* this process has no loopback to try it on */ };

/* Moves synthetic bytes over a connection of this process's own and looks for both its ends in the
 * data ring, which nobody else reads yet and in which nobody else's bytes are: until it is over the hooks
 * are told of this process alone. So the monitor, which reads no captured bytes, may compare these, its own words,
 * by their length; nothing parses them. */
enum proof prove_hooks(int ring_fd, size_t ring_size);
#endif
