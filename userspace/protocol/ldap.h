/* SPDX-License-Identifier: Apache-2.0 */
/* ldap.h - what the files of LDAP share: elements of BER, and what a message tells. Private to protocol/. */
#ifndef WEIR_LDAP_H
#define WEIR_LDAP_H
#include "protocol/content.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"

enum ldap_op {
	LDAP_BIND = 0x60, LDAP_BOUND, LDAP_UNBIND = 0x42, LDAP_SEARCH = 0x63, LDAP_ENTRY, LDAP_DONE, LDAP_REFERENCE = 0x73,
	LDAP_MODIFY = 0x66, LDAP_MODIFIED, LDAP_ADD, LDAP_ADDED, LDAP_DELETE = 0x4a, LDAP_DELETED = 0x6b, LDAP_RENAME, LDAP_RENAMED,
	LDAP_COMPARE, LDAP_COMPARED, LDAP_ABANDON = 0x50, LDAP_EXTENDED = 0x77, LDAP_EXTENDED_DONE, LDAP_INTERMEDIATE,
};

/* Lengths are definite and have four bytes at most; a tag is one byte (RFC 4511, 5.1). cut: it says that it
 * is longer than what it is in, or bytes of that are missing. */
struct ber { uint8_t tag; struct slice value; bool cut; };
/* 1: after the tag a length, of *head bytes; 0: none of those that are allowed; -1: too short to tell. */
int ber_length(struct slice in, size_t *head, uint32_t *len);
bool ber_take(struct reader *, struct ber *);	/* false: no more, or none that may be. One that is cut is the last. */
uint32_t ber_number(struct slice);		/* of four bytes at most */

/* A message on its way to the sink. */
struct ldap_message {
	struct content_job job;	/* of its exchange; limited: not all of it was looked at */
	uint8_t auth;		/* of a bind: with what; enum auth */
	uint32_t result;	/* of an answer that ends its exchange */
};

/* What stands in it goes to its exchange: route, fields, what it logs in with, result. */
void ldap_tell(struct ldap_message *, enum ldap_op, struct slice body);
void ldap_tell_controls(struct ldap_message *, struct slice);
/* ldap_name.c: the components of a name as fields under root, and its template. */
void ldap_tell_name(struct ldap_message *, const char *root, enum location, struct slice name);
void ldap_route(char out[PATH_SIZE], struct slice name, const struct field_sink *);
/* A field "root.key". */
void ldap_leaf(struct ldap_message *, const char *root, enum location, struct slice key, const struct ber *value);
#endif
