/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - C2SP signed notes and log checkpoints, Ed25519 only. Text in, text out; no
 * files. What is parsed is hostile: a state folder is input like any other.
 *
 *   host/5f0c2a91                                   origin = the key's name
 *   41473                                           tree size
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    root
 *                                                   (empty line)
 *   EM-DASH host/5f0c2a91 base64(key id || signature of the three lines)
 *
 * Other signers' lines are allowed and ignored (witnesses, later algorithms). */
#ifndef WEIR_NOTE_H
#define WEIR_NOTE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_NAME_SIZE	128	/* a key's name with its NUL */
#define NOTE_KEY_SIZE	256	/* a vkey or a signer key as text with its NUL */
#define NOTE_MAX	131072	/* a whole note: 16 post-quantum signatures fit, as the specification asks */

struct buf;
struct note_key {
	char name[NOTE_NAME_SIZE];
	uint8_t id[4], pub[32], seed[32];
	bool secret;	/* seed is there */
};
bool note_name_valid(const char *);	/* printable ASCII without space and plus, not empty, fits */
/* 0, -EINVAL for a bad name, or -EIO when there is no randomness or no Ed25519. */
int note_key_make(struct note_key *, const char *name);
/* Text forms of golang.org/x/mod/sumdb/note: "name+keyid+base64", "PRIVATE+KEY+name+keyid+base64".
 * No newline at the end. 0 or -EINVAL, which a key id that is not the key's also gives. */
int note_key_parse(struct note_key *, const char *vkey, size_t len);
int note_key_parse_secret(struct note_key *, const char *text, size_t len);
void note_key_print(const struct note_key *, char out[NOTE_KEY_SIZE]);
void note_key_print_secret(const struct note_key *, char out[NOTE_KEY_SIZE]);
void note_key_wipe(struct note_key *);

/* Appends text, which must end with a newline, and its signature. 0 or -errno. */
int note_sign(const struct note_key *, const char *text, size_t len, struct buf *out);
enum note_status {
	NOTE_OK,
	NOTE_MALFORMED,
	NOTE_UNSIGNED,	/* by this key: there are other keys' signatures only */
	NOTE_FORGED	/* a signature in this key's name does not verify */
};
enum note_status note_verify(const struct note_key *, const char *note, size_t len, size_t *text_len);
/* Bytes of the first whole note of several written one after the other; 0: none is
 * whole. end: nothing follows these bytes. */
size_t note_first(const char *, size_t len, bool end);

struct checkpoint { char origin[NOTE_NAME_SIZE]; uint64_t size; uint8_t root[32]; };
int checkpoint_print(const struct checkpoint *, struct buf *out);	/* the three lines */
int checkpoint_parse(struct checkpoint *, const char *text, size_t len);	/* exactly these; 0 or -EINVAL */
int checkpoint_pin(struct checkpoint *, const char *text);	/* "SIZE:ROOT", SIZE at least 1; origin empty */
#endif
