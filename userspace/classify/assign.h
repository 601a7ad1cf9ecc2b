/* SPDX-License-Identifier: Apache-2.0 */
/* assign.h - "name=value" and "name: value" inside a text: what is the name, what the value. */
#ifndef WEIR_CLASSIFY_ASSIGN_H
#define WEIR_CLASSIFY_ASSIGN_H
#include "classify/check.h"

struct slice assign_name(struct slice v, size_t i);	/* that ends before the '=' or ':' at i */
struct slice assign_before(struct slice v, size_t name);
struct slice assign_value(struct slice v, size_t i);
struct slice assign_line(struct slice v, size_t i, bool commas);
size_t assign_tag(struct slice v, size_t start);
bool assign_in_tags(struct slice v);
bool assign_element(struct slice v, size_t i, struct slice *name, struct slice *value);
bool assign_is_prose(struct slice v, size_t colon, struct slice word);
bool assign_is_option(struct slice v, struct slice name, struct slice word);
bool assign_is_code(struct slice v, size_t assign, struct slice name, struct slice word);
bool assign_may_name(struct slice name);
#endif
