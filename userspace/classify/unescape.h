/* SPDX-License-Identifier: Apache-2.0 */
/* unescape.h - values without their escapes, and where each byte of them stood. */
#ifndef WEIR_CLASSIFY_UNESCAPE_H
#define WEIR_CLASSIFY_UNESCAPE_H
#include "model/payload.h"

/* Its room is kept for the next one. */
struct unescaped {
	uint8_t *text;
	size_t *map;		/* raw offset of each byte of text, and of its end */
	size_t size, used;	/* used: the most of it that held a value since it was wiped */
};

bool unescape_room(struct unescaped *, size_t len);	/* of raw bytes: no escape makes more than it is long. false: no memory */
/* A checked string of JSON that stands at `at`. false: no memory. */
bool unescape_json(struct unescaped *, struct slice raw, size_t at, struct slice *out);
/* As many bytes of a checked one as there is room for. */
struct slice unescape_name(struct slice raw, uint8_t *out, size_t room);
/* A form's, which ends at `end`; returns how many bytes there are. More than that are written: so many is there room for. */
#define UNESCAPE_ROOM 66
size_t unescape_form(uint8_t *out, struct slice raw, const uint8_t *end);
void unescape_form_map(size_t *map, struct slice raw, size_t at);
void unescape_wipe(struct unescaped *);
#endif
