/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/keys.h"

#include <string.h>

#include "classify/bytes.h"

/* Beside a phrase these say that the value is about the datum, not the datum. With
 * '-' only after the phrase: the last noun is what is named, so password_file is a
 * file and file_password a password. */
static const char *const general[] = {
	"verified", "valid", "validated", "verification", "confirmed", "hash", "hashed", "digest", "masked", "redacted",
	"enabled", "disabled", "required", "optional", "supported", "allowed", "is", "has", "opt", "optin", "subscribed",
	"-count", "-total", "-url", "-uri", "-link", "-template", "-version", "-type", "-format", "-regex", "-pattern",
	"-label", "-placeholder", "-hint", "-help", "-policy", "-status", "-state", "-length", "-size", "-setting",
	"-settings", "-preference", "-preferences", "-sent", "-flag", "-mode", "-index", "-position", "-width", "-color",
	"-public", NULL
};
/* These say that a number is a name of something else. */
static const char *const numbering[] = {
	"id", "ids", "uuid", "guid", "uid", "pid", "order", "tracking", "invoice", "serial", "sku", "ean", "upc", "gtin",
	"isbn", "imei", "ref", "reference", "transaction", "txn", "trace", "span", "timestamp", "ts", "time", "date",
	"created", "updated", "modified", "expires", "epoch", "offset", "cursor", "page", "sequence", "seq", "nonce",
	"amount", "price", "balance", "quantity", "bytes", "checksum", "etag", "build", "revision", "commit", "shipment",
	"parcel", "ticket", "batch", "document", "doc", "item", "job", "row", "record", "message", "msg", "block", "partition",
	"request", "event", "case", "count", "counts", "topic", "process", "task", "object", "entry", "node", "version",
	"lat", "lon", "lng", "latitude", "longitude", "score", "hits", "port", NULL
};
static const char *const persons[] = {
	"user", "users", "customer", "customers", "patient", "patients", "person", "people", "member", "employee",
	"employees", "contact", "contacts", "applicant", "subscriber", "guest", "passenger", "student", "client",
	"account", "profile", "owner", "billing", "shipping", "recipient", "sender", "buyer", "payer", "cardholder",
	"beneficiary", "payee", "address", "addresses", "driver", "tenant", "holder", "kunde", "kunden", "benutzer", "person", "mitarbeiter",
	"client", "clients", "utilisateur", "usuario", "usuarios", "cliente", "clientes", "paciente", "utente", "paziente", "gebruiker", "klant",
	"klient", "pacjent", "pracownik", "subject", "resident", "citizen", "insured", "borrower", NULL
};
/* Words that stand between a name and its value in prose. */
static const char *const fillers[] = {
	"is", "was", "are", "of", "the", "my", "your", "his", "her", "no", "nr", "num", "number", "to", "at", "on",
	"ist", "est", "es", NULL
};

/* Names that say nothing of the datum that they hold: its object's name does, as in "dob": {"date": …}. */
static const char *const carriers[] = {
	"value", "values", "val", "data", "text", "display", "raw", "content", "date", "number", "no", "num", "nr", "string", "formatted",
	"normalized", "canonical", "primary", "current", "plain", "plaintext", NULL
};

/* What a token may be, of all lists: looked up once, instead of in each. */
enum { IS_GENERAL = 1, IS_GENERAL_AFTER = 2, IS_NUMBERING = 4, IS_PERSON = 8, IS_FILLER = 16, IS_CARRIER = 32 };
#define WORD_SLOTS 1024
static struct { bool ready; struct word_slot { const char *word; uint8_t is; } slot[WORD_SLOTS]; } listed;

static uint32_t word_hash(const char *text, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619u;
	return hash >> 7 & (WORD_SLOTS - 1);
}

static struct word_slot *word_slot(const char *text, size_t len)
{
	uint32_t i = word_hash(text, len);

	while (listed.slot[i].word && (strncmp(listed.slot[i].word, text, len) || listed.slot[i].word[len]))
		i = (i + 1) & (WORD_SLOTS - 1);
	return &listed.slot[i];
}

static void words_put(const char *const *list, uint8_t is, uint8_t is_after)
{
	for (; *list; list++) {
		const char *word = *list + (**list == '-');
		struct word_slot *slot = word_slot(word, strlen(word));

		slot->word = word;
		slot->is |= word == *list ? is : is_after;
	}
}

static unsigned word_is(const char *text, size_t len)
{
	if (!listed.ready) {
		words_put(general, IS_GENERAL, IS_GENERAL_AFTER);
		words_put(numbering, IS_NUMBERING, 0);
		words_put(persons, IS_PERSON, 0);
		words_put(fillers, IS_FILLER, 0);
		words_put(carriers, IS_CARRIER, 0);
		listed.ready = true;
	}
	return word_slot(text, len)->is;
}

/* Is the byte at i part of a word? Letters beyond ASCII are, CJK and full-width
 * punctuation (U+3000 to U+303F, U+FF00 to U+FF1F) is not. */
static bool is_word_far(struct slice s, size_t i)
{
	for (size_t back = 0; back < 3 && back <= i; back++) {
		const uint8_t *lead = s.ptr + i - back;

		if ((*lead & 0xc0) == 0x80)
			continue;
		if (s.len - (i - back) < 3)
			return true;
		return !(lead[0] == 0xe3 && lead[1] == 0x80) && !(lead[0] == 0xef && lead[1] == 0xbc && lead[2] < 0xa0);
	}
	return true;
}

static inline bool is_word(struct slice s, size_t i)
{
	return s.ptr[i] < 0x80 ? is_alnum(s.ptr[i]) : is_word_far(s, i);
}

/* Does a token begin at i? "userID" user|ID, "XMLBody" XML|Body, "line2" line|2. */
static bool token_begins(struct slice s, size_t i)
{
	uint8_t c = s.ptr[i], before;

	if (!i)
		return true;
	before = s.ptr[i - 1];
	if (!is_word(s, i - 1) || is_digit(c) != is_digit(before))
		return true;
	if (!is_upper(c))
		return false;
	if (before == 'i' && (i < 2 || !is_word(s, i - 2)))	/* "iPhone" is no phone */
		return false;
	return !is_upper(before) || is_lower(byte_at(s, i + 1));
}

static inline uint64_t head_bit(const char *two)
{
	return (uint64_t)1 << (((uint8_t)two[0] * 5u + (uint8_t)two[1] * 11u) & 63);
}

/* Lower case of the letters of two bytes that languages of the phrases have: Latin with marks, Greek, Cyrillic. */
static void fold(char *text)
{
	uint8_t a = (uint8_t)text[0], b = (uint8_t)text[1];

	if (a == 0xc3 && b >= 0x80 && b <= 0x9e && b != 0x97)
		b += 0x20;
	else if ((a == 0xc4 && b <= 0xb7 && !(b & 1)) || (a == 0xc5 && b >= 0x8a && b <= 0xb7 && !(b & 1)))
		b |= 1;
	else if ((a == 0xc4 && b >= 0xb9 && b <= 0xbd && (b & 1)) || (a == 0xc5 && b >= 0x81 && b <= 0x87 && (b & 1)) ||
		 (a == 0xc5 && b >= 0xb9 && b <= 0xbd && (b & 1)))
		b += 1;
	else if ((a == 0xce && b >= 0x91 && b <= 0x9f) || (a == 0xd0 && b >= 0x90 && b <= 0x9f))
		b += 0x20;
	else if ((a == 0xce || a == 0xd0) && b >= 0xa0 && b <= (a == 0xce ? 0xa9 : 0xaf)) {
		a++;
		b -= 0x20;
	}
	text[0] = (char)a;
	text[1] = (char)b;
}

static void token_add(struct key_text *k)
{
	k->tokens[k->nr_tokens++] = k->len;
}

/* When all of it is there; at its end nothing follows a letter, and no phrase is so short. */
static void key_text_end(struct key_text *k)
{
	k->heads = 0;
	for (unsigned n = 0; n < k->nr_tokens; n++)
		k->heads |= head_bit(k->text + k->tokens[n]);
}

/* Byte by byte, with letters beyond ASCII. */
static void key_text_far(struct key_text *k, struct slice s)
{
	for (size_t i = 0; i < s.len && k->len < KEY_TEXT; i++) {
		if (!is_word(s, i))
			continue;
		k->border[k->len] = token_begins(s, i);
		k->text[k->len] = (char)to_lower(s.ptr[i]);
		k->len++;
		if (s.ptr[i] >= 0x80 && k->len > 1 && (uint8_t)k->text[k->len - 2] >= 0xc3)
			fold(k->text + k->len - 2);
		if (k->border[k->len - 1]) {
			k->len--;
			token_add(k);
			k->len++;
		}
	}
	k->border[k->len] = true;
}

/* Bytes from..from + len - 1 of fold, of which begins tells where tokens do; in steps, beyond what counts. */
static void run_add(struct key_text *k, const uint8_t *fold, size_t len, uint64_t begins)
{
	size_t at = k->len;

	for (size_t i = 0; i < len; i += KEY_STEP) {
		memcpy(k->text + at + i, fold + i, KEY_STEP);
		memset(k->border + at + i, 0, KEY_STEP);
	}
	for (; begins; begins &= begins - 1) {
		k->len = (uint8_t)(at + (size_t)__builtin_ctzll(begins));
		k->border[k->len] = true;
		token_add(k);
	}
	k->len = (uint8_t)(at + len);
}

/* token_begins for all bytes at once, and the words moved together. */
static void key_text_add(struct key_text *k, struct slice s)
{
	uint8_t fold[64 + KEY_STEP] UNINITIALIZED;
	struct letters l;
	uint64_t word, begins;

	if (s.len > 64) {
		key_text_far(k, s);
		return;
	}
	l = letters_of(s.ptr, s.len, fold);
	if (l.beyond) {
		key_text_far(k, s);
		return;
	}
	word = l.digits | l.upper | l.lower;
	begins = word & (~(word << 1) | (l.digits ^ l.digits << 1) | (l.upper & (~(l.upper << 1) | l.lower >> 1)));
	for (uint64_t one = l.upper & (l.lower & ~(word << 1)) << 1; one; one &= one - 1)	/* "iPhone" is no phone */
		if (s.ptr[__builtin_ctzll(one) - 1] == 'i')
			begins &= ~(one & -one);
	while (word && k->len < KEY_TEXT) {
		unsigned at = (unsigned)__builtin_ctzll(word);
		unsigned len = ~(word >> at) ? (unsigned)__builtin_ctzll(~(word >> at)) : 64;
		uint64_t run;

		len = len < (unsigned)(KEY_TEXT - k->len) ? len : (unsigned)(KEY_TEXT - k->len);
		run = len < 64 ? ((uint64_t)1 << len) - 1 : UINT64_MAX;
		run_add(k, fold + at, len, begins >> at & run);
		word &= ~(run << at);
	}
	k->border[k->len] = true;
}

/* Length of the token that begins at i. */
static size_t token_len(const struct key_text *k, size_t i)
{
	size_t end = i + 1;

	while (end < k->len && !k->border[end])
		end++;
	return end - i;
}

static bool token_is(const struct key_text *k, size_t i, size_t len, const char *word)
{
	size_t n = 0;

	while (n < len && word[n] == k->text[i + n])
		n++;
	return n == len && !word[n];
}

static unsigned token_of(const struct key_text *k, size_t i, size_t len)
{
	return word_is(k->text + i, len);
}

/* Is it in the list? "-word" only after the phrase, which ends at end; "~word" not before one that says the class by itself. */
static bool token_against(const struct key_text *k, size_t i, size_t len, const char *const *list, size_t end, bool exact)
{
	for (; list && *list; list++) {
		const char *word = *list + (**list == '-' || **list == '~');

		if (*word == k->text[i] && (i >= end || (**list != '-' && (**list != '~' || !exact))) && token_is(k, i, len, word))
			return true;
	}
	return false;
}

/* Are all of the key's own words such that its object's name speaks for it? */
static bool is_carrier(const struct key_text *k)
{
	size_t i = k->own;

	if (!k->own || i == k->len)
		return false;
	for (size_t n; i < k->len; i += n) {
		n = token_len(k, i);
		if (!(token_of(k, i, n) & IS_CARRIER))
			return false;
	}
	return true;
}

void key_text_init(struct key_text *k, struct slice parent, struct slice key)
{
	k->len = k->own = k->person = k->carrier = k->nr_tokens = 0;
	if (parent.len > KEY_TEXT / 2) {	/* leave room for the key */
		parent.ptr += parent.len - KEY_TEXT / 2;
		parent.len = KEY_TEXT / 2;
	}
	key_text_add(k, parent);
	k->own = k->len;
	for (size_t i = 0, n; i < k->own; i += n) {
		n = token_len(k, i);
		k->person |= (token_of(k, i, n) & IS_PERSON) != 0;
	}
	key_text_add(k, key);
	k->carrier = is_carrier(k);
	key_text_end(k);
}

void key_text_prose(struct key_text *k, struct slice before)
{
	k->len = k->own = k->person = k->carrier = k->nr_tokens = 0;
	key_text_add(k, before);
	key_text_end(k);
}

/* End of phrase when it stands at i on token borders, plural allowed; else 0. */
static size_t phrase_at(const struct key_text *k, size_t i, const char *words)
{
	for (; *words; words++, i++)
		if (i >= k->len || k->text[i] != *words)
			return 0;
	if (k->border[i])
		return i;
	return k->text[i] == 's' && k->border[i + 1] ? i + 1 : 0;
}

/* start and end are those of the phrase; exact: it says the class by itself, so that
 * only what follows can make the number another one's: order_phone is a phone,
 * phone_order and tracking_number are not. */
static bool words_against(const struct key_text *k, const struct class_row *row, size_t start, size_t end, bool exact)
{
	for (size_t i = k->own, n; i < k->len; i += n) {
		unsigned is;

		n = token_len(k, i);
		if (i >= start && i < end)
			continue;
		is = row->against ? token_of(k, i, n) : 0;
		if ((row->against & AGAINST_GENERAL) && (is & (i >= end ? IS_GENERAL | IS_GENERAL_AFTER : IS_GENERAL)))
			return true;
		if ((row->against & AGAINST_NUMBER) && (!exact || i >= end) && (is & IS_NUMBERING))
			return true;
		if (token_against(k, i, n, row->counter, end, exact))
			return true;
	}
	return false;
}

static unsigned tokens_after(const struct key_text *k, size_t end)
{
	unsigned after = 0;

	for (size_t i = end, n; i < k->len; i += n) {
		n = token_len(k, i);
		after += !(token_of(k, i, n) & IS_FILLER);
	}
	return after;
}

bool key_numbers(const struct key_text *k)
{
	for (size_t i = k->own, n; i < k->len; i += n) {
		n = token_len(k, i);
		if (token_of(k, i, n) & IS_NUMBERING)
			return true;
	}
	return false;
}

bool key_ends_numbering(const struct key_text *k)
{
	size_t i = k->nr_tokens ? k->tokens[k->nr_tokens - 1] : 0;

	return k->nr_tokens && (token_of(k, i, k->len - i) & IS_NUMBERING);
}

/* The phrases of one class by their first two letters: a class may have a hundred, a key has a word or two. */
#define HEADS 64
#define SORTED_SLOTS 512	/* a power of two, more than twice the classes */
static struct {
	uint32_t generation;
	struct sorted { const struct key_phrase *keys; uint64_t heads; uint8_t from[HEADS + 1], order[CLASS_PHRASES]; } slot[SORTED_SLOTS];
} sorted;

static inline unsigned head_number(const char *two)
{
	return (unsigned)__builtin_ctzll(head_bit(two));
}

static void phrases_sort(struct sorted *s, const struct key_phrase *keys)
{
	uint8_t next[HEADS + 1] = { 0 };
	unsigned nr = 0;

	*s = (struct sorted){ .keys = keys };
	for (; keys[nr].words && nr < CLASS_PHRASES; nr++) {
		s->heads |= head_bit(keys[nr].words);
		s->from[head_number(keys[nr].words) + 1]++;
	}
	for (unsigned head = 0; head < HEADS; head++)
		s->from[head + 1] = (uint8_t)(s->from[head + 1] + s->from[head]);
	memcpy(next, s->from, sizeof(next));
	for (unsigned i = 0; i < nr; i++)
		s->order[next[head_number(keys[i].words)]++] = (uint8_t)i;
}

/* Of a class that has some. What was sorted before its rows changed is forgotten. */
static const struct sorted *phrases_sorted(const struct key_phrase *keys)
{
	uint32_t i = (uint32_t)((uintptr_t)keys / sizeof(*keys) * 0x9e3779b1u) >> 23;

	if (sorted.generation != classify_generation)
		memset(&sorted, 0, sizeof(sorted));
	sorted.generation = classify_generation;
	while (sorted.slot[i].keys && sorted.slot[i].keys != keys)
		i = (i + 1) & (SORTED_SLOTS - 1);
	if (!sorted.slot[i].keys)
		phrases_sort(&sorted.slot[i], keys);
	return &sorted.slot[i];
}

struct key_verdict key_judge(const struct key_text *k, const struct class_row *row)
{
	const struct sorted *s = row->keys ? phrases_sorted(row->keys) : NULL;
	struct key_verdict v = { 0 };
	size_t start = 0, stop = 0, end;

	for (unsigned n = 0; s && (s->heads & k->heads) && n < k->nr_tokens; n++) {
		size_t i = k->tokens[n];
		unsigned head = head_number(k->text + i);

		for (unsigned at = s->from[head]; at < s->from[head + 1]; at++) {
			const struct key_phrase *p = &row->keys[s->order[at]];

			if (k->text[i] != p->words[0] || !(end = phrase_at(k, i, p->words)))
				continue;
			if (end <= k->own) {
				v.object = true;
				if (!k->carrier || end < k->own)
					continue;
			}
			/* Of equal phrases the later one: it stands nearer to the value; of those that end there the longest. */
			if (p->weight < v.support || (p->weight == v.support && (end < stop || (end == stop && start < i))))
				continue;
			v.support = p->weight;
			start = i;
			stop = end;
		}
	}
	/* Without its key a key-driven class is out already. */
	v.against = (v.support || row->info.tier < 3) && words_against(k, row, start, stop, v.support >= KEY_EXACT);
	v.after = v.support ? tokens_after(k, stop) : 0;
	v.last = v.support && stop == k->len;
	return v;
}
