/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - names of users, from the host's own file: no service that could ask a network. */
#ifndef WEIR_USER_H
#define WEIR_USER_H
#include <stddef.h>
#include <stdint.h>
void user_name(char *out, size_t size, uint32_t uid);	/* "": it has none; passes name_clean */
#endif
