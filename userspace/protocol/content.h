/* SPDX-License-Identifier: Apache-2.0 */
/* content.h - a body of a known or guessed media type -> fields. Tolerant of
 * bodies that begin late or end early. Never opens entities, never recurses past
 * CONTENT_DEPTH, stops at CONTENT_FIELDS and says so. */
#ifndef WEIR_CONTENT_H
#define WEIR_CONTENT_H
#include "model/payload.h"

#define CONTENT_DEPTH	32
#define CONTENT_INSIDE	3		/* contents in one another: a form's part, the JSON in it, the text in that */
#define CONTENT_FIELDS	65536
#define CONTENT_COST	12		/* ns to walk a byte of a body, fields apart; see field_sink.afford */
#define INFLATE_COST	2		/* ns to make a byte of output */
#define INFLATE_BEGIN	2000		/* ns to begin with it */
#define INFLATE_EARNS	100		/* ns a byte of output may cost, as one of input may; bombs earn no more than */
#define INFLATE_USUAL	16		/* so many times their input */
#define INFLATE_RATIO	100		/* output : input, beyond the first 64 KiB */
#define INFLATE_MAX	(1 << 20)	/* bytes of output */

struct content_job {
	struct exchange *exchange;
	const struct field_sink *sink;
	enum location location;
	enum dir dir;
	bool cut;		/* bytes are missing at the end, or it is a partial body */
	bool late;		/* bytes are missing before the first */
	uint32_t fields;	/* emitted so far; the decoder counts */
	bool limited;		/* a limit was reached: inspected is partial */
	struct slice type;	/* the media type, for a decoder that its parameters tell something; set by content_decode */
	bool unread;		/* recognised, and nothing of it can be read: inspected is none */
	/* Of a content inside another: */
	const char *base;	/* path of the value that holds it; NULL: it is the body itself */
	struct slice key;	/* raw name of that value */
	uint8_t inside;		/* how many contents hold it */
	bool coded;		/* one of these was base64 */
};

/* For decoders, between fields: true when no more are wanted. */
static inline bool content_full(struct content_job *job)
{
	bool full = job->fields >= CONTENT_FIELDS || (job->sink->afford && !job->sink->afford(job->sink->owner, 0));

	job->limited |= full;
	return full;
}

/* One row of protocol/content/list.def. */
struct content {
	const char *name;	/* "json" */
	const char *summary;
	/* 0..100 how well it fits; essence is the media type without parameters and blanks, may be empty. */
	int (*match)(struct slice essence, struct slice head);
	void (*decode)(struct content_job *, struct slice body);
};
unsigned content_count(void);
const struct content *content_get(unsigned);
/* Are bodies of that type rows of lines, each whole by itself, and perhaps without an end? */
bool content_flows(struct slice media_type);
/* Picks the best row and decodes; no row: the body is scanned as text if it is
 * mostly printable. Returns what was done as enum inspected. */
#define CONTENT_ENOUGH 1024	/* bytes of a body by which its kind is known */
bool content_unread(struct slice media_type, struct slice head);	/* a body that begins so is not looked at */
int content_decode(struct content_job *, struct slice media_type, struct slice body);
/* All of it as one text, in pieces that a scan takes whole; under the path where no other content is around. */
void content_text(struct content_job *, const char *path, struct slice text);
/* A value that is a content of its own, of that media type (empty: by its head); path and key are
 * the value's. Counts into the outer job. Returns what was done as enum inspected. */
int content_open(struct content_job *, const char *path, struct slice key, struct slice media_type, struct slice value);
/* Looks into a text value for JSON, XML, a data: URL, base64 of a text and the claims of a token, and
 * gives the fields of what it finds. True: they stand for the value, which is not given itself. */
bool content_inside(struct content_job *, const char *path, struct slice key, struct slice value);
bool content_suspected(struct slice key, struct slice value);	/* false: it would find nothing, as in most */
#endif
