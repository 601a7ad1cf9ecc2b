/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - writes one JSON object into a buffer. Writer only: nothing of ours
 * parses JSON from ourselves; SQLite's JSON functions do that. */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H
#include "base/buf.h"

struct json { struct buf *buf; unsigned depth; bool comma; };
void json_init(struct json *, struct buf *);
void json_open(struct json *, const char *key, char bracket);	/* '{' or '['; key NULL in arrays and at the top */
void json_close(struct json *, char bracket);
void json_string(struct json *, const char *key, const char *value);	/* NULL: null; invalid UTF-8 and controls escaped */
void json_int(struct json *, const char *key, int64_t);
void json_uint(struct json *, const char *key, uint64_t);
void json_double(struct json *, const char *key, double);
void json_bool(struct json *, const char *key, bool);
void json_time(struct json *, const char *key, uint64_t utc_ms);	/* "2026-11-24T08:49:00.123Z" */
#endif
