/* SPDX-License-Identifier: Apache-2.0 */
/* memcached_text.c - the lines of memcached's text protocol and of its meta commands.
 *
 *   set KEY FLAGS EXPIRES SIZE [noreply]    cas … SIZE UNIQUE [noreply]     | value, CR LF
 *   get KEY...    gat EXPIRES KEY...        incr KEY NUMBER [noreply]       delete KEY [noreply]
 *   mg KEY FLAG...    ms KEY SIZE FLAG... | value, CR LF
 *   VALUE KEY FLAGS SIZE [UNIQUE] | value, CR LF, ... END                   VA SIZE FLAG... | value, CR LF */
#include <string.h>

#include "protocol/memcached.h"
#include "protocol/protocol.h"

#define STRICT		75	/* how sure it must be in the middle of other bytes */
#define VERIFIED	4096	/* bytes of a value whose end is waited for where it tells what this is */

enum form {
	FORM_NONE, FORM_KEYS, FORM_TIME_KEYS, FORM_STORE, FORM_CAS, FORM_NUMBER, FORM_DELETE, FORM_META, FORM_META_STORE, FORM_BARE,
	FORM_WORDS
};
enum {
	VALUE, END, STORED, NOT_STORED, EXISTS, NOT_FOUND, DELETED, TOUCHED, NUMBER, OK, STAT, ITEM, PREFIX, RESET, VERSION,
	VA, HD, EN, NS, EX, NF, MN, ME, KEY, OTHER, ERROR, CLIENT_ERROR, SERVER_ERROR
};
#define A(x)	(1u << (x))
#define STORES	(A(STORED) | A(NOT_STORED) | A(EXISTS) | A(NOT_FOUND))
#define METAS	(A(HD) | A(NS) | A(EX) | A(NF))
#define FAILS	(A(ERROR) | A(CLIENT_ERROR) | A(SERVER_ERROR))
#define DONES	(A(OK) | A(OTHER))

static const struct command { const char *word; enum form form; uint8_t sure; uint32_t answers; } commands[] = {
	[MC_NONE] = { "", FORM_NONE, 0, 0 },
	[MC_GET] = { "get", FORM_KEYS, 55, A(VALUE) | A(END) }, [MC_GETS] = { "gets", FORM_KEYS, 60, A(VALUE) | A(END) },
	[MC_GAT] = { "gat", FORM_TIME_KEYS, 70, A(VALUE) | A(END) }, [MC_GATS] = { "gats", FORM_TIME_KEYS, 70, A(VALUE) | A(END) },
	[MC_SET] = { "set", FORM_STORE, 90, STORES }, [MC_ADD] = { "add", FORM_STORE, 90, STORES },
	[MC_REPLACE] = { "replace", FORM_STORE, 90, STORES }, [MC_APPEND] = { "append", FORM_STORE, 90, STORES },
	[MC_PREPEND] = { "prepend", FORM_STORE, 90, STORES }, [MC_CAS] = { "cas", FORM_CAS, 90, STORES },
	[MC_INCR] = { "incr", FORM_NUMBER, 70, A(NUMBER) | A(NOT_FOUND) }, [MC_DECR] = { "decr", FORM_NUMBER, 70, A(NUMBER) | A(NOT_FOUND) },
	[MC_DELETE] = { "delete", FORM_DELETE, 50, A(DELETED) | A(NOT_FOUND) }, [MC_TOUCH] = { "touch", FORM_NUMBER, 70, A(TOUCHED) | A(NOT_FOUND) },
	[MC_MG] = { "mg", FORM_META, 50, METAS | A(VA) | A(EN) }, [MC_MS] = { "ms", FORM_META_STORE, 75, METAS },
	[MC_MD] = { "md", FORM_META, 50, METAS }, [MC_MA] = { "ma", FORM_META, 50, METAS | A(VA) },
	[MC_MN] = { "mn", FORM_BARE, 0, A(MN) }, [MC_ME] = { "me", FORM_META, 40, A(ME) | A(EN) },
	[MC_STATS] = { "stats", FORM_WORDS, 40, A(STAT) | A(END) | A(ITEM) | A(PREFIX) | A(RESET) | DONES },
	[MC_VERSION] = { "version", FORM_BARE, 40, A(VERSION) }, [MC_FLUSH_ALL] = { "flush_all", FORM_WORDS, 70, DONES },
	[MC_VERBOSITY] = { "verbosity", FORM_WORDS, 60, DONES }, [MC_QUIT] = { "quit", FORM_BARE, 0, 0 },
	[MC_LRU] = { "lru", FORM_WORDS, 0, DONES }, [MC_LRU_CRAWLER] = { "lru_crawler", FORM_WORDS, 60, DONES | A(KEY) | A(END) | A(EN) },
	[MC_SLABS] = { "slabs", FORM_WORDS, 0, DONES }, [MC_CACHE_MEMLIMIT] = { "cache_memlimit", FORM_WORDS, 60, DONES },
	[MC_WATCH] = { "watch", FORM_WORDS, 0, DONES }, [MC_SHUTDOWN] = { "shutdown", FORM_WORDS, 0, DONES },
	/* Of the binary protocol alone: */
	[MC_NOOP] = { "noop", FORM_NONE, 0, 0 }, [MC_SASL_LIST] = { "sasl_list", FORM_NONE, 0, 0 },
	[MC_SASL_AUTH] = { "sasl_auth", FORM_NONE, 0, 0 }, [MC_SASL_STEP] = { "sasl_step", FORM_NONE, 0, 0 },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum reply { REPLY_BARE, REPLY_REST, REPLY_VALUE, REPLY_META_VALUE, REPLY_META };
static const struct answer { const char *word; uint8_t kind; enum reply form; uint16_t status; uint8_t sure; enum mc_what what; }
answers[] = {
	{ "VALUE", VALUE, REPLY_VALUE, 200, 90, MC_GET }, { "END", END, REPLY_BARE, 200, 40, MC_GET },
	{ "STORED", STORED, REPLY_BARE, 200, 60, MC_NONE }, { "NOT_STORED", NOT_STORED, REPLY_BARE, 412, 60, MC_NONE },
	{ "EXISTS", EXISTS, REPLY_BARE, 409, 0, MC_NONE }, { "NOT_FOUND", NOT_FOUND, REPLY_BARE, 404, 40, MC_NONE },
	{ "DELETED", DELETED, REPLY_BARE, 200, 40, MC_DELETE }, { "TOUCHED", TOUCHED, REPLY_BARE, 200, 40, MC_TOUCH },
	{ "OK", OK, REPLY_BARE, 200, 0, MC_NONE }, { "STAT", STAT, REPLY_REST, 200, 60, MC_STATS },
	{ "ITEM", ITEM, REPLY_REST, 200, 0, MC_STATS }, { "PREFIX", PREFIX, REPLY_REST, 200, 0, MC_STATS },
	{ "RESET", RESET, REPLY_BARE, 200, 0, MC_STATS }, { "VERSION", VERSION, REPLY_REST, 200, 60, MC_VERSION },
	{ "VA", VA, REPLY_META_VALUE, 200, 50, MC_MG }, { "HD", HD, REPLY_META, 200, 40, MC_NONE }, { "EN", EN, REPLY_BARE, 404, 40, MC_MG },
	{ "NS", NS, REPLY_META, 412, 0, MC_NONE }, { "EX", EX, REPLY_META, 409, 0, MC_NONE }, { "NF", NF, REPLY_META, 404, 40, MC_NONE },
	{ "MN", MN, REPLY_BARE, 200, 0, MC_MN }, { "ME", ME, REPLY_REST, 200, 40, MC_ME },
	{ "key=", KEY, REPLY_REST, 200, 0, MC_LRU_CRAWLER },
	{ "BUSY", OTHER, REPLY_REST, 503, 0, MC_SLABS }, { "BADCLASS", OTHER, REPLY_REST, 400, 0, MC_SLABS },
	{ "NOSPARE", OTHER, REPLY_REST, 503, 0, MC_SLABS }, { "NOTFULL", OTHER, REPLY_REST, 400, 0, MC_SLABS },
	{ "UNSAFE", OTHER, REPLY_REST, 400, 0, MC_SLABS }, { "SAME", OTHER, REPLY_REST, 400, 0, MC_SLABS },
	{ "ERROR", ERROR, REPLY_REST, 501, 0, MC_NONE }, { "CLIENT_ERROR", CLIENT_ERROR, REPLY_REST, 400, 50, MC_NONE },
	{ "SERVER_ERROR", SERVER_ERROR, REPLY_REST, 500, 50, MC_NONE },
};
#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

/* Do parts of the answer follow it? */
static bool goes_on(uint8_t kind)
{
	return A(kind) & (A(VALUE) | A(STAT) | A(ITEM) | A(PREFIX) | A(KEY));
}

const char *mc_word(enum mc_what what)
{
	return commands[what].word;
}

bool mc_is_get(enum mc_what what)
{
	return (what >= MC_GET && what <= MC_GATS) || what == MC_MG || what == MC_ME;
}

/* ---- words ---- */

static bool is(struct slice s, const char *word)
{
	return s.len && s.ptr[0] == (uint8_t)word[0] && s.len == strlen(word) && !memcmp(s.ptr, word, s.len);
}

static struct slice word_take(struct slice *line)
{
	size_t from = 0, to;
	struct slice word;

	while (from < line->len && line->ptr[from] == ' ')
		from++;
	for (to = from; to < line->len && line->ptr[to] != ' ';)
		to++;
	word = slice_of(line->ptr + from, to - from);
	*line = slice_of(line->ptr + to, line->len - to);
	return word;
}

static bool number(struct slice s, uint64_t most, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (i == 20 || s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		*v = *v * 10 + (s.ptr[i] - '0');
	}
	return s.len && *v <= most;
}

/* A time may have passed: "-1". */
static bool is_number(struct slice s)
{
	uint64_t v;

	return number(s.len && s.ptr[0] == '-' ? slice_of(s.ptr + 1, s.len - 1) : s, UINT64_MAX, &v);
}

static bool size(struct slice s, uint32_t *v)
{
	uint64_t n;

	if (!number(s, MC_VALUE_MAX, &n))
		return false;
	*v = (uint32_t)n;
	return true;
}

static bool is_key(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x21 || s.ptr[i] == 0x7f)
			return false;
	return s.len && s.len <= MC_KEY_MAX;
}

/* FNV; who aims at a collision spoils his own pair. */
static uint64_t hash(struct slice s)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.ptr[i]) * 1099511628211ull;
	return h ? h : 1;
}

/* ---- commands ---- */

/* "q" is quiet, "Oname" comes back with the answer, and with "k" the key; "b": it is in base64. */
static bool read_flags(struct slice line, struct mc_head *h)
{
	bool keyed = false;
	uint64_t id = 0;

	for (struct slice w = word_take(&line); w.len; w = word_take(&line)) {
		uint8_t c = w.ptr[0] | 0x20;

		if (c < 'a' || c > 'z' || w.len > MC_KEY_MAX + 1)
			return false;
		h->quiet |= h->front && w.ptr[0] == 'q' && w.len == 1;
		h->coded |= w.ptr[0] == 'b' && w.len == 1;
		if (w.ptr[0] == 'O' && w.len > 1)
			id = hash(w);
		if (w.ptr[0] == 'k' && h->front)
			keyed = true;
		if (w.ptr[0] == 'k' && !h->front && w.len > 1)
			h->key = slice_of(w.ptr + 1, w.len - 1);
	}
	h->id = id ? id : (keyed || !h->front) && h->key.len ? hash(h->key) : 0;
	return true;
}

/* Nothing but "noreply" may follow. */
static bool read_end(struct slice line, struct mc_head *h)
{
	struct slice word = word_take(&line);

	h->mute = is(word, "noreply");
	return !word.len || (h->mute && !word_take(&line).len);
}

static bool read_store(struct slice line, struct mc_head *h, bool cas)
{
	struct slice flags = word_take(&line), time = word_take(&line), bytes = word_take(&line);

	h->valued = true;
	h->tail = 2;
	if (!is_key(h->key) || !is_number(flags) || !is_number(time) || !size(bytes, &h->value))
		return false;
	return (!cas || is_number(word_take(&line))) && read_end(line, h);
}

static bool read_command(struct slice line, const struct command *c, struct mc_head *h)
{
	struct slice word;
	size_t keys = 0;

	if (c->form == FORM_BARE)
		return !word_take(&line).len;
	if (c->form == FORM_TIME_KEYS && !is_number(word_take(&line)))
		return false;
	if (c->form != FORM_WORDS)
		h->key = word_take(&line);
	switch (c->form) {
	case FORM_NONE:
		return false;
	case FORM_KEYS: case FORM_TIME_KEYS:
		h->keys = line;
		for (word = h->key; word.len; word = word_take(&line), keys++)
			if (!is_key(word))
				return false;
		h->id = keys == 1 ? hash(h->key) : 0;
		return keys;
	case FORM_STORE: case FORM_CAS:
		return read_store(line, h, c->form == FORM_CAS);
	case FORM_NUMBER:
		word = word_take(&line);
		return is_key(h->key) && is_number(word) && read_end(line, h);
	case FORM_DELETE:
		word = line;
		if (is_number(word_take(&word)))	/* that it stays deleted for, which was once possible */
			line = word;
		return is_key(h->key) && read_end(line, h);
	case FORM_META:
		return is_key(h->key) && read_flags(line, h);
	case FORM_META_STORE:
		h->valued = true;
		h->tail = 2;
		return is_key(h->key) && size(word_take(&line), &h->value) && read_flags(line, h);
	case FORM_BARE: case FORM_WORDS:
		for (word = word_take(&line); word.len; word = word_take(&line)) {
			h->mute = is(word, "noreply");
			if (!is_key(word))
				return false;
		}
		return true;
	}
	return false;
}

/* ---- answers ---- */

/* What HTTP calls it. */
static uint16_t status_of(struct slice text, uint16_t status)
{
	static const struct { const char *text; uint16_t status; } rows[] = {
		{ "unauthenticated", 401 }, { "authentication failure", 401 }, { "line too long", 414 }, { "too large", 413 },
		{ "out of memory", 503 }, { "temporary", 503 },
	};

	for (unsigned i = 0; text.len && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (memmem(text.ptr, text.len, rows[i].text, strlen(rows[i].text)))
			return rows[i].status;
	return status;
}

static bool read_answer(struct slice line, const struct answer *a, struct mc_head *h)
{
	struct slice word;

	h->valued = a->form == REPLY_VALUE || a->form == REPLY_META_VALUE;
	h->tail = h->valued ? 2 : 0;
	h->hit = h->valued;
	switch (a->form) {
	case REPLY_BARE:
		return !word_take(&line).len;
	case REPLY_REST:
		word = word_take(&(struct slice){ line.ptr, line.len });
		if (a->kind == ITEM)
			h->key = word;
		if (a->kind == KEY)
			h->key = slice_of(word.ptr + 4, word.len - 4);
		if (a->kind >= ERROR)
			h->status = status_of(line, a->status);
		h->text = line.len ? slice_of(line.ptr + 1, line.len - 1) : line;
		if (!memchr(h->text.ptr, a->kind == STAT ? ' ' : '.', h->text.len))	/* "STAT" is a command of others */
			h->sure = a->kind >= ERROR ? h->sure : 0;
		return h->text.len || a->kind >= ERROR || a->kind == OTHER;
	case REPLY_VALUE:
		h->key = word_take(&line);
		h->id = hash(h->key);
		word = word_take(&line);
		if (!is_key(h->key) || !is_number(word) || !size(word_take(&line), &h->value))
			return false;
		word = word_take(&line);
		return !word.len || (is_number(word) && !word_take(&line).len);
	case REPLY_META_VALUE:
		return size(word_take(&line), &h->value) && read_flags(line, h);
	case REPLY_META:
		return read_flags(line, h);
	}
	return false;
}

/* With what a quiet one is not answered. */
static uint32_t hidden(enum mc_what what)
{
	return what == MC_MG ? A(EN) : what == MC_MS ? A(HD) : what == MC_MD || what == MC_MA ? A(HD) | A(NF) : 0;
}

bool mc_text_fits(const struct mc_head *h, enum mc_what what, bool quiet, uint64_t id)
{
	const struct command *c = &commands[what];
	uint32_t answer = A(h->answer);
	bool meta = c->form == FORM_META || c->form == FORM_META_STORE;	/* says no name that it was not given */

	if (answer & FAILS)
		return true;
	return (c->answers & answer) && !(quiet && (hidden(what) & answer)) && (!h->id || (!id && !meta) || h->id == id);
}

void mc_text_dumped(struct mc_head *h)
{
	h->what = MC_LRU_CRAWLER;
	h->answer = KEY;
	h->front = false;
	h->more = true;
	h->id = 0;
	h->status = 200;
}

/* ---- lines ---- */

/* Could what is there of a first word be one? */
static bool may_be(struct slice word, bool whole, unsigned least)
{
	for (unsigned i = 1; i < COMMANDS; i++)
		if (commands[i].form && commands[i].sure >= least && (whole ? is(word, commands[i].word) : word.len <= strlen(commands[i].word) &&
					 !memcmp(word.ptr, commands[i].word, word.len)))
			return true;
	for (unsigned i = 0; i < ANSWERS; i++) {
		size_t n = strlen(answers[i].word);

		if (answers[i].sure < least)
			continue;
		if (answers[i].kind == KEY ? !memcmp(word.ptr, answers[i].word, word.len < n ? word.len : n) :
		    whole ? is(word, answers[i].word) : word.len <= n && !memcmp(word.ptr, answers[i].word, word.len))
			return true;
	}
	return !least && word.ptr[0] >= '0' && word.ptr[0] <= '9' && word.len <= 20;
}

static bool read_line(struct slice line, struct mc_head *h)
{
	struct slice rest = line, word = word_take(&rest);
	uint64_t n;

	for (unsigned i = 1; i < COMMANDS && word.ptr[0] >= 'a'; i++)	/* answers are in upper case, but for one */
		if (commands[i].form && is(word, commands[i].word)) {
			h->what = (enum mc_what)i;
			h->front = true;
			h->sure = commands[i].sure;
			h->mute = i == MC_QUIT;
			return read_command(rest, &commands[i], h);
		}
	for (unsigned i = 0; i < ANSWERS; i++)
		if (answers[i].kind == KEY ? word.len > 4 && !memcmp(word.ptr, answers[i].word, 4) : is(word, answers[i].word)) {
			h->what = answers[i].what;
			h->sure = answers[i].sure;
			h->more = goes_on(answers[i].kind);
			h->status = answers[i].status;
			h->answer = answers[i].kind;
			return read_answer(answers[i].kind == KEY ? line : rest, &answers[i], h);
		}
	h->answer = NUMBER;
	h->what = MC_INCR;
	h->status = 200;
	h->text = word;
	return number(word, UINT64_MAX, &n) && !word_take(&rest).len;
}

int mc_text_read(struct slice in, unsigned least, struct mc_head *h)
{
	size_t n = in.len < PROTOCOL_HEAD_MAX ? in.len : PROTOCOL_HEAD_MAX, word = 0;
	const uint8_t *end = n ? memchr(in.ptr, '\n', n) : NULL;
	struct slice line;

	*h = (struct mc_head){ .keys = SLICE("") };
	if (!end) {
		while (word < n && word < 16 && in.ptr[word] != ' ' && in.ptr[word] != '\r')
			word++;
		if (n && (!word || !may_be(slice_of(in.ptr, word), word < n && word < 16, least)))
			return 0;
		if (n >= MC_LINE_MAX && memcmp(in.ptr, "get", 3) && memcmp(in.ptr, "gat", 3))
			return 0;
		return n < PROTOCOL_HEAD_MAX ? -1 : 0;
	}
	h->len = (uint32_t)(end - in.ptr) + 1;
	line = slice_of(in.ptr, h->len - 1);
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line.len && line.ptr[0] != ' ' && read_line(line, h);
}

/* ---- where does one begin? ---- */

/* A line with its end as clients and servers write it, its value followed by what ends it. */
static int line_begins(struct slice in, bool strict)
{
	struct mc_head h;
	int there = mc_text_read(in, strict ? STRICT : 0, &h);
	size_t end;

	if (there <= 0)
		return there && in.len < MC_LINE_MAX ? -1 : 0;
	if (h.len < 2 || in.ptr[h.len - 2] != '\r' || (strict && (!h.valued || h.sure < STRICT)))
		return 0;
	if (!h.valued || in.len - h.len < h.value)
		return !h.valued || h.value > VERIFIED ? 1 : -1;
	end = h.len + h.value;
	if (in.len - end < 2)
		return -1;
	return in.ptr[end] == '\r' && in.ptr[end + 1] == '\n';
}

static int text_find(struct slice in, bool strict, size_t *at)
{
	for (*at = 0; *at < in.len;) {
		int begins = line_begins(slice_of(in.ptr + *at, in.len - *at), strict);
		const uint8_t *end = begins ? NULL : memchr(in.ptr + *at, '\n', in.len - *at);

		if (begins)
			return begins;
		*at = end ? (size_t)(end - in.ptr) + 1 : in.len;
	}
	return 0;
}

static int binary_find(struct slice in, size_t *at)
{
	for (*at = 0; *at < in.len; ++*at) {
		struct mc_head h;
		int begins = in.ptr[*at] == 0x80 || in.ptr[*at] == 0x81 ? mc_binary_read(slice_of(in.ptr + *at, in.len - *at), &h) : 0;

		if (begins)
			return begins;
	}
	return 0;
}

int mc_find(struct slice in, enum mc_mode mode, bool strict, size_t *at)
{
	size_t text = in.len, binary = in.len;
	int as_text = mode == MC_BINARY ? 0 : text_find(in, strict, &text), as_binary = mode == MC_TEXT ? 0 : binary_find(in, &binary);

	*at = text < binary ? text : binary;
	return text < binary ? as_text : as_binary;
}
