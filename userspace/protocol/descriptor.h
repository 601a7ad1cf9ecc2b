/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h - what protocol buffers mean: the names and types of the fields of messages and the
 * messages of methods, as `protoc --include_imports --descriptor_set_out=FILE` writes them (a
 * FileDescriptorSet). The user's own words, never payload, but read where no privilege is. */
#ifndef WEIR_DESCRIPTOR_H
#define WEIR_DESCRIPTOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRIPTOR_SUFFIX	".protoset"
#define DESCRIPTOR_MAX		((size_t)4 << 20)	/* bytes of a file */
#define DESCRIPTOR_FIELDS	131072			/* of all messages of all files */
#define DESCRIPTOR_TYPES	32768			/* messages and enums */
#define DESCRIPTOR_METHODS	16384
#define DESCRIPTOR_NAMES	((size_t)8 << 20)	/* bytes of all names */

struct descriptors;
struct descriptors *descriptors_new(void);
/* Adds a set. 0, or -1 and where it is wrong, in which way and what to do; what it had before stays.
 * Of types that several sets have the first counts. */
int descriptors_add(struct descriptors *, const void *file, size_t len, char *why, size_t why_size);
void descriptors_free(struct descriptors *);
/* In use from now on, and no longer the caller's; NULL: none. Those before are freed.
 * -ENOMEM: these are freed, those before stay. */
int descriptors_use(struct descriptors *);
size_t descriptors_messages(void);	/* how many are in use */

/* For protocol/. A method is known by the end of a path, "/shop.Orders/Place": a number that stays as long as
 * these descriptors are in use; 0: none is. */
uint32_t descriptor_method(const void *path, size_t len);

struct message_type;
struct message_field {
	uint32_t number;
	uint8_t type;		/* enum field_type */
	bool repeated;
	const char *name;	/* NUL-terminated, as the schema has it */
	const struct message_type *message;	/* NULL: it is none, or not in the set */
	uint32_t target;	/* of an enum, for enum_name() */
};
enum field_type {
	TYPE_DOUBLE = 1, TYPE_FLOAT, TYPE_INT64, TYPE_UINT64, TYPE_INT32, TYPE_FIXED64, TYPE_FIXED32, TYPE_BOOL, TYPE_STRING, TYPE_GROUP,
	TYPE_MESSAGE, TYPE_BYTES, TYPE_UINT32, TYPE_ENUM, TYPE_SFIXED32, TYPE_SFIXED64, TYPE_SINT32, TYPE_SINT64,
};
const struct message_type *method_message(uint32_t method, bool response);	/* NULL: not known */
const struct message_type *message_named(const char *name);			/* "shop.Order" */
/* NULL: it has no such field. */
const struct message_field *message_field(const struct message_type *, uint32_t number);
bool message_is_map_entry(const struct message_type *);
const char *enum_name(const struct message_field *, int32_t value);		/* NULL: it has none */
#endif
