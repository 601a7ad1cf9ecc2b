/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - the offline verifier: the pass of scan.c with every signature checked, by a
 * key and against a checkpoint that the caller may know from elsewhere. Writes nothing
 * and needs no key that is secret. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/ledger_io.h"
#include "store/note.h"
#include "store/scan.h"

struct covered { int (*leaf)(void *, uint64_t, const char *, size_t); void *owner; };

static enum ledger_error refuse(struct ledger_report *r, enum ledger_error err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum ledger_error refuse(struct ledger_report *r, enum ledger_error err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return err;
}

/* What no checkpoint covers is counted, and told to nobody as if it were evidence. */
static int on_leaf(void *owner, const struct scan_leaf *leaf)
{
	const struct covered *c = owner;

	return c->leaf && leaf->covered && c->leaf(c->owner, leaf->index, leaf->json, leaf->len);
}

static enum ledger_error key_find(int dir, const char *vkey, struct note_key *key, struct ledger_report *r)
{
	char text[NOTE_KEY_SIZE + 2];
	ssize_t n;

	if (vkey)
		return note_key_parse(key, vkey, strlen(vkey)) ?
		       refuse(r, LEDGER_ARGUMENT, "the key is no vkey of the form name+keyid+base64") : LEDGER_OK;
	n = io_read_file(&ledger_io_real, dir, "key.pub", text, sizeof(text));
	if (n < 0)
		return refuse(r, LEDGER_KEY, "cannot read ledger/key.pub: %s; give the key with --key", strerror((int)-n));
	if (!n || text[n - 1] != '\n' || note_key_parse(key, text, (size_t)n - 1))
		return refuse(r, LEDGER_KEY, "ledger/key.pub is damaged; give the key with --key");
	return LEDGER_OK;
}

static void report_fill(struct ledger_report *r, const struct scan *s, enum ledger_error err)
{
	r->size = s->last.size;
	r->leaves_read = s->tree.size;
	r->checkpoints = s->checkpoints;
	r->torn = s->size > s->end ? s->size - s->end : 0;
	snprintf(r->origin, sizeof(r->origin), "%s", s->last.origin);
	if (s->last.origin[0])
		base64_encode(r->root, s->last.root, sizeof(s->last.root));
	if (err)
		snprintf(r->why, sizeof(r->why), "%s", s->why);
}

static enum ledger_error verify(int dir, const struct note_key *key, const struct checkpoint *pin, struct covered *c,
				struct ledger_report *r)
{
	struct scan *s = calloc(1, sizeof(*s));
	enum ledger_error err;

	if (!s)
		return refuse(r, LEDGER_IO, "no memory");
	*s = (struct scan){ .io = &ledger_io_real, .dir = dir, .key = key, .every_signature = true, .pin = pin,
			    .leaf = on_leaf, .owner = c };
	err = scan_run(s);
	report_fill(r, s, err);
	if (!err && s->empty)
		err = refuse(r, LEDGER_IO, "the ledger holds neither a leaf nor a checkpoint: there is nothing to verify");
	scan_fini(s);
	free(s);
	return err;
}

enum ledger_error ledger_verify(int dir, const char *vkey, const char *at_least,
				int (*leaf)(void *owner, uint64_t index, const char *json, size_t len), void *owner,
				struct ledger_report *r)
{
	struct covered c = { leaf, owner };
	struct checkpoint pin;
	struct note_key key;
	enum ledger_error err;
	int ledger;

	*r = (struct ledger_report){ .outside_key = vkey, .outside_checkpoint = at_least };
	if (at_least && checkpoint_pin(&pin, at_least))
		return refuse(r, LEDGER_ARGUMENT, "the checkpoint is not of the form SIZE:ROOT, with SIZE a number from 1 and ROOT the "
			      "44 characters that weir printed");
	ledger = io_open_dir(&ledger_io_real, dir, "ledger");
	if (ledger < 0)
		return refuse(r, LEDGER_IO, "cannot open the folder ledger: %s", strerror(-ledger));
	err = key_find(ledger, vkey, &key, r);
	if (!err) {
		hex_encode(r->key_id, key.id, sizeof(key.id));
		note_key_print(&key, r->vkey);
		err = verify(ledger, &key, at_least ? &pin : NULL, &c, r);
	}
	close(ledger);
	return err;
}
