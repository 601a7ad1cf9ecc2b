/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - the tamper-evident log: an append-only RFC 6962 Merkle tree of
 * leaves (each the exact JSON object that `-o json` prints) with C2SP
 * tlog-checkpoints signed by Ed25519. Used by the keeper to write, by anybody to
 * verify. Never repairs, never makes a key over an existing log, never reports an
 * fsync error as success.
 *
 *   STATE/ledger/key           "PRIVATE+KEY+origin+…" of C2SP notes, 0600; key.pub: its vkey line
 *   STATE/ledger/leaves        u16be length, bytes, …  (the tlog-tiles bundle encoding)
 *   STATE/ledger/tile/0/NNN    full 8 KiB hash tiles of level 0
 *   STATE/ledger/checkpoint    the last signed one     STATE/ledger/checkpoints  all of them, appended
 *   STATE/ledger/reserve       room set aside, so that on a full disk the last interval and the stop still fit
 *
 * Write order (design.md 9): append -> fdatasync -> sign -> rename -> fsync dir -> sinks. */
#ifndef WEIR_LEDGER_H
#define WEIR_LEDGER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LEAF_MAX 60000	/* bytes of one leaf */
#define HASH_SIZE 32

struct ledger;
enum ledger_error {
	LEDGER_OK = 0,
	LEDGER_INTEGRITY = 1,	/* what lies on the disk is not what was signed */
	LEDGER_KEY = 2,		/* the key is missing or cannot be read, over a log */
	LEDGER_IO = 3,
	LEDGER_FOREIGN = 4,	/* signed by another key */
	LEDGER_ARGUMENT = 5	/* ledger_verify: vkey or at_least is no such thing */
};

/* Opens or creates STATE/ledger below dir (a descriptor of STATE, stays the
 * caller's). A new log is named "<origin>/<8 random hex>", for good: the name lies with
 * the key. *created: it holds no leaf yet. Whole leaves beyond the last checkpoint are
 * kept, and the next commit signs them; a torn tail there is cut, *cut says how many
 * bytes. On error NULL, one line in why, and nothing was changed. */
struct ledger *ledger_open(int dir, const char *origin, bool *created, uint64_t *cut, enum ledger_error *,
			   char *why, size_t why_size);
void ledger_close(struct ledger *);

/* Appends one leaf; not durable before ledger_commit. Returns its index or -errno;
 * after a failure every further call fails (fail closed). */
int64_t ledger_append(struct ledger *, const char *json, size_t len);
/* fdatasync, sign, publish. 0 or -errno. Does nothing when every leaf is signed. */
int ledger_commit(struct ledger *);
/* Why it takes no more: "cannot write ledger/leaves: …". */
const char *ledger_failure(const struct ledger *);
/* ENOSPC or EDQUOT when the reserve is used up: what is written now still fits, so end soon. */
int ledger_low(const struct ledger *);
const char *ledger_advice(int err);	/* what to do about such an errno */
uint64_t ledger_size(const struct ledger *);
void ledger_root(const struct ledger *, uint8_t root[HASH_SIZE]);
const char *ledger_origin(const struct ledger *);
const char *ledger_key_id(const struct ledger *);	/* 8 hex digits */
const char *ledger_vkey(const struct ledger *);
/* Leaf bytes, for rebuilding the index; NULL past the end. Valid until the next call. */
const char *ledger_leaf(struct ledger *, uint64_t index, size_t *len);

struct ledger_report {
	char origin[128], key_id[9], root[45];	/* root base64 */
	char vkey[256];				/* what the signatures were checked with */
	uint64_t size, leaves_read, checkpoints;	/* leaves_read - size: not covered by any checkpoint */
	uint64_t torn;				/* bytes after the last whole leaf */
	bool outside_key, outside_checkpoint;	/* what was given to check against */
	char why[256];				/* of a refusal: what, where */
};
/* Offline, or beside a weir that writes. vkey and at_least ("SIZE:ROOT", root base64) may
 * be NULL; without vkey the key is STATE/ledger/key.pub, which whoever changed the log
 * could have changed too. leaf, when set, is called with each covered leaf in order, while
 * the tree is still being made: what it heard counts only after LEDGER_OK. A non-zero
 * return of it ends with LEDGER_INTEGRITY. */
enum ledger_error ledger_verify(int dir, const char *vkey, const char *at_least,
				int (*leaf)(void *owner, uint64_t index, const char *json, size_t len), void *owner,
				struct ledger_report *);
#endif
