/* SPDX-License-Identifier: Apache-2.0 */
/* ftp.c - the control connection of FTP (RFC 959, 2228, 2428, 3659): a command with the reply that ends it is
 * an exchange, its route the path. The connections that it arranges are read by ftp_data.c. */
#include <errno.h>
#include <stdio.h>

#include "protocol/arranged.h"
#include "protocol/content.h"
#include "protocol/ftp.h"
#include "protocol/line.h"
#include "protocol/pairs.h"

#define LINE_MAX	8192	/* a longer one is no command, and no reply */
#define COST_LINE	200	/* ns */

enum kind { KIND_OTHER, KIND_PATH, KIND_USER, KIND_SECRET, KIND_TEXT };

struct state {
	const struct field_sink *sink;
	struct session *session;
	const struct conn_facts *conn;
	struct pairs pairs;
	enum dir front;			/* the client's direction */
	bool front_known, lost[2], doubt, greeted;	/* doubt: commands or replies are missing */
	unsigned between;		/* the code of a reply of several lines that goes on */
	uint64_t asked;			/* commands so far */
	uint32_t arranged;		/* the number of the last connection that was; 0: none was */
	uint8_t auth;
	char host[NAME_SIZE];
};

/* sure: a line that begins so is FTP's and nobody else's. */
static const struct { const char *word; enum kind kind; bool sure; } commands[] = {
	{ "USER", KIND_USER, false }, { "PASS", KIND_SECRET, false }, { "ACCT", KIND_SECRET, false }, { "CWD", KIND_PATH, true },
	{ "XCWD", KIND_PATH, true }, { "CDUP", KIND_OTHER, true }, { "SMNT", KIND_PATH, true }, { "QUIT", KIND_OTHER, false },
	{ "REIN", KIND_OTHER, true }, { "PORT", KIND_OTHER, true }, { "PASV", KIND_OTHER, true }, { "EPRT", KIND_OTHER, true },
	{ "EPSV", KIND_OTHER, true }, { "TYPE", KIND_OTHER, false }, { "STRU", KIND_OTHER, false }, { "MODE", KIND_OTHER, false },
	{ "RETR", KIND_PATH, false }, { "STOR", KIND_PATH, true }, { "STOU", KIND_PATH, true }, { "APPE", KIND_PATH, true },
	{ "ALLO", KIND_OTHER, true }, { "REST", KIND_OTHER, false }, { "RNFR", KIND_PATH, true }, { "RNTO", KIND_PATH, true },
	{ "ABOR", KIND_OTHER, true }, { "DELE", KIND_PATH, false }, { "RMD", KIND_PATH, true }, { "XRMD", KIND_PATH, true },
	{ "MKD", KIND_PATH, true }, { "XMKD", KIND_PATH, true }, { "PWD", KIND_OTHER, true }, { "XPWD", KIND_OTHER, true },
	{ "LIST", KIND_PATH, false }, { "NLST", KIND_PATH, true }, { "SITE", KIND_TEXT, true }, { "SYST", KIND_OTHER, true },
	{ "STAT", KIND_PATH, false }, { "HELP", KIND_OTHER, false }, { "NOOP", KIND_OTHER, false }, { "FEAT", KIND_OTHER, true },
	{ "OPTS", KIND_OTHER, true }, { "AUTH", KIND_OTHER, false }, { "PBSZ", KIND_OTHER, true }, { "PROT", KIND_OTHER, true },
	{ "CCC", KIND_OTHER, true }, { "ADAT", KIND_OTHER, true }, { "MIC", KIND_OTHER, false }, { "CONF", KIND_OTHER, false },
	{ "ENC", KIND_OTHER, false }, { "MDTM", KIND_PATH, true }, { "MFMT", KIND_PATH, true }, { "SIZE", KIND_PATH, false },
	{ "MLST", KIND_PATH, true }, { "MLSD", KIND_PATH, true }, { "HOST", KIND_OTHER, false }, { "CLNT", KIND_OTHER, true },
	{ "LANG", KIND_OTHER, true },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Codes that answer some commands and no other, so that behind a gap no reply is taken for another's. */
static const struct { unsigned code; const char *of[3]; } particular[] = {
	{ 213, { "SIZE", "MDTM", "STAT" } }, { 215, { "SYST" } }, { 227, { "PASV" } }, { 229, { "EPSV" } }, { 234, { "AUTH" } },
	{ 257, { "PWD", "MKD", "XPWD" } }, { 331, { "USER" } }, { 350, { "RNFR", "REST" } },
};

/* ---- whose is it? ---- */

static size_t which(struct slice line, struct slice *rest)
{
	size_t i = 0;

	while (i < COMMANDS && !line_is(line, commands[i].word, rest))
		i++;
	return i;
}

static bool has_word(struct slice s, const char *lower, size_t n)
{
	for (size_t i = 0; i + n <= s.len; i++)
		if (!strncasecmp((const char *)s.ptr + i, lower, n))
			return true;
	return false;
}

/* A greeting tells whose it is, or what comes behind it. */
static int guess_reply(struct slice head)
{
	bool more, mail = false;
	size_t n;

	while ((n = line_whole(head))) {
		unsigned code = line_reply(slice_of(head.ptr, n), &more);

		mail |= has_word(slice_of(head.ptr, n), "smtp", 4) || has_word(slice_of(head.ptr, n), "lmtp", 4);
		if (code == 227 || code == 229 || code == 331)
			return mail ? 0 : 88;
		if (code == 220 && !mail && (has_word(slice_of(head.ptr, n), "ftp", 3) || has_word(slice_of(head.ptr, n), "filezilla", 9)))
			return 88;
		head = slice_of(head.ptr + n, head.len - n);
	}
	return mail ? 0 : -EAGAIN;
}

/* A word that others have at the end of a line too: without what it is about it is none. */
static bool lacks_argument(const char *word, struct slice rest)
{
	static const char *const words[] = { "PORT", "EPRT", "ALLO", "SITE", "OPTS", "PBSZ", "PROT", "ADAT", "CLNT", "MFMT" };

	for (size_t i = 0; !rest.len && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* POP3 has USER and PASS too: what comes behind them tells, or the reply. */
static int guess_command(struct slice head)
{
	struct slice rest = { 0 };
	size_t n;

	while ((n = line_whole(head))) {
		struct slice line = slice_of(head.ptr, n);
		size_t i = which(line, &rest);

		if (i == COMMANDS || lacks_argument(commands[i].word, rest))
			return 0;
		if (!rest.len && (n < 2 || line.ptr[n - 2] != '\r'))	/* a shell has words like "pwd", and ends lines otherwise */
			return 0;
		if (commands[i].sure && (commands[i].kind != KIND_PATH || rest.len || n < 8))
			return 85;
		if (line_is(line, "AUTH TLS", &rest) || line_is(line, "AUTH SSL", &rest) || line_is(line, "TYPE I", &rest) || line_is(line, "TYPE A", &rest))
			return 85;
		if (commands[i].kind != KIND_USER && commands[i].kind != KIND_SECRET)
			return 0;
		head = slice_of(head.ptr + n, head.len - n);
	}
	return head.len < 4 || which(head, &rest) < COMMANDS ? -EAGAIN : 0;
}

static int guess(struct slice head, enum dir dir)
{
	size_t n = line_whole(head);
	struct slice line = slice_of(head.ptr, n ? n : head.len);
	bool more;

	if (line.len < 4) {
		bool digits = line.len > 0, letters = line.len > 0;

		for (size_t i = 0; i < line.len; i++) {
			digits &= line.ptr[i] >= '0' && line.ptr[i] <= '9';
			letters &= (line.ptr[i] | 32) >= 'a' && (line.ptr[i] | 32) <= 'z';
		}
		return !n && (digits || letters) ? -EAGAIN : 0;
	}
	if (line_reply(line, &more))
		return guess_reply(head);
	return guess_command(head);
}

/* ---- commands and replies ---- */

static void field(struct state *s, struct exchange *ex, bool answer, enum location location, const char *path, struct slice value)
{
	const char *name = strchr(path, '.') + 1;
	struct field f = {
		.location = location, .dir = answer ? (enum dir)!s->front : s->front, .path = path, .key = slice_of(name, strlen(name)),
		.value = value, .text = 1,
	};

	if (value.len)
		s->sink->field(s->sink->owner, ex, &f);
}

/* ---- data connections ---- */

/* The addresses are not heeded: they are those of this connection. 0: there is no port. */

/* "127,0,0,1,195,80", in brackets behind words or not. */
static uint16_t port_of(struct slice text)
{
	char room[64];
	unsigned n[6];
	size_t at = 0, len;

	while (at < text.len && (text.ptr[at] < '0' || text.ptr[at] > '9'))
		at++;
	len = text.len - at < sizeof(room) - 1 ? text.len - at : sizeof(room) - 1;
	memcpy(room, text.ptr + at, len);
	room[len] = 0;
	if (sscanf(room, "%3u,%3u,%3u,%3u,%3u,%3u", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) != 6 || n[4] > 255 || n[5] > 255)
		return 0;
	return (uint16_t)(n[4] << 8 | n[5]);
}

/* "|1|127.0.0.1|50000|", or "(|||50000|)" behind words (RFC 2428). */
static uint16_t extended_port_of(struct slice text)
{
	const uint8_t *open = text.len ? memchr(text.ptr, '(', text.len) : NULL;
	size_t at = open ? (size_t)(open - text.ptr) + 1 : 0;
	uint8_t mark = at < text.len ? text.ptr[at] : 0;
	uint32_t port = 0;

	for (unsigned marks = 0; at < text.len && marks < 3; at++)
		marks += text.ptr[at] == mark;
	for (; at < text.len && port < 65536 && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
		port = port * 10 + (text.ptr[at] - '0');
	return at < text.len && text.ptr[at] == mark && port < 65536 ? (uint16_t)port : 0;
}

/* servers: the server listens. */
static void arrange(struct state *s, uint16_t port, bool servers)
{
	struct arranged_conn c = { .protocol = &ftp_data, .by = *s->conn, .port = port, .local = servers == (s->front == DIR_RECEIVED) };

	if (port)
		s->arranged = arranged_add(session_arranged(s->session), &c);
}

/* Who listens himself says where. */
static void arrange_for(struct state *s, const struct exchange *ex, struct slice rest)
{
	if (!strcmp(ex->method, "PORT"))
		arrange(s, port_of(rest), false);
	else if (!strcmp(ex->method, "EPRT"))
		arrange(s, extended_port_of(rest), false);
}

/* What the connection is for that was arranged last. */
static void moves(struct state *s, const struct exchange *ex)
{
	static const struct { const char *word; bool sends; } words[] = {
		{ "RETR", false }, { "LIST", false }, { "NLST", false }, { "MLSD", false }, { "STOR", true }, { "STOU", true }, { "APPE", true },
	};
	struct arranged_conn *c = arranged_numbered(session_arranged(s->session), s->arranged);

	for (size_t i = 0; c && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(ex->method, words[i].word)) {
			c->sends = words[i].sends;
			memcpy(c->method, ex->method, sizeof(c->method));
			memcpy(c->route, ex->route, sizeof(c->route));
		}
}

static void command(struct state *s, struct slice line, struct stamp at)
{
	struct exchange *ex = pairs_exchange(s->front == DIR_SENT ? ROLE_CLIENT : ROLE_SERVER, at);
	size_t bytes = line.len, i;
	struct slice rest = { 0 };

	while (line.len && line.ptr[0] >= 0xf0)	/* Telnet's signals before ABOR (RFC 959, 3.2) */
		line = slice_of(line.ptr + 1, line.len - 1);
	i = which(line, &rest);
	if (ex) {
		ex->auth = s->auth;
		ex->request_bytes = bytes;
		word_set(ex->method, i < COMMANDS ? commands[i].word : "OTHER");
		snprintf(ex->host, sizeof(ex->host), "%s", s->host);
		arrange_for(s, ex, rest);
		switch (i < COMMANDS ? commands[i].kind : KIND_TEXT) {
		case KIND_PATH:
			route_template(ex->route, rest, s->sink);
			field(s, ex, false, LOC_PATH, "ftp.path", rest);
			break;
		case KIND_USER:
			field(s, ex, false, LOC_REQUEST_HEADER, "ftp.user", rest);
			break;
		case KIND_SECRET:
			ex->auth = AUTH_BASIC;
			field(s, ex, false, LOC_REQUEST_HEADER, "ftp.password", rest);
			break;
		case KIND_TEXT:
			field(s, ex, false, LOC_REQUEST_BODY, "ftp.text", i < COMMANDS ? rest : line_trim(line));
			break;
		case KIND_OTHER:
			break;
		}
		moves(s, ex);
	}
	pairs_add(&s->pairs, s->session, (struct pair){ ex, at.time, ++s->asked, 0 }, at);
}

static bool may_answer(unsigned code, const struct exchange *ex)
{
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++) {
		bool is = particular[i].code != code;

		for (size_t j = 0; j < 3 && particular[i].of[j]; j++)
			is |= !strcmp(particular[i].of[j], ex->method);
		if (!is)
			return false;
	}
	return true;
}

static void answer(struct state *s, unsigned code, struct slice line, bool more, struct stamp at)
{
	struct pair *pair = s->pairs.nr ? pairs_at(&s->pairs, 0) : NULL;
	struct exchange *ex = pair ? pair->ex : NULL;
	struct slice text = line_reply(line, &(bool){ 0 }) ? slice_of(line.ptr + 4, line.len - 4) : line;

	if (!pair || (s->doubt && ex && !may_answer(code, ex)))
		return;
	if (ex) {
		ex->response_bytes += line.len;
		if (code != 227 && code != 229)	/* numbers of an address and a port */
			field(s, ex, true, LOC_RESPONSE_BODY, "ftp.reply", line_trim(text));
		else if (!more)
			arrange(s, code == 227 ? port_of(text) : extended_port_of(text), true);
		if (!ex->latency_us)
			pairs_latency(ex, pair->asked, at);
		if (!more)
			ex->status = (uint16_t)code;
	}
	if (more || code < 200)	/* "150 Here comes the directory": another one follows */
		return;
	if (code == 230)
		s->auth = AUTH_BASIC;
	pairs_emit(s->session, pairs_take(&s->pairs, s->session, pair, false, at), at);
	s->doubt &= s->pairs.nr > 0;
}

static void greeting(struct state *s, struct slice line)
{
	struct slice rest = line_trim(slice_of(line.ptr + 4, line.len - 4));
	const uint8_t *blank = rest.len ? memchr(rest.ptr, ' ', rest.len) : NULL;

	rest.len = blank ? (size_t)(blank - rest.ptr) : rest.len;
	if (rest.len && memchr(rest.ptr, '.', rest.len))	/* most say what program they are */
		s->sink->clean(s->sink->owner, s->host, rest);
}

static struct feed_result feed_server(struct state *s, struct slice line, struct stamp at)
{
	bool more = false;
	unsigned code = line_reply(line, &more);

	if (!code && !s->between) {
		s->lost[!s->front] = true;
		return (struct feed_result){ FEED_OK, line.len, line.len };
	}
	s->lost[!s->front] = false;
	session_count(s->session, FATE_EXAMINED, line.len);
	if (s->between) {	/* up to the line of the same code without a dash (RFC 959, 4.2) */
		more = more || code != s->between;
		code = s->between;
	}
	s->between = more ? code : 0;
	if (s->greeted || code != 220)
		answer(s, code, line, more, at);
	else if (!s->host[0] && line_reply(line, &(bool){ 0 }))
		greeting(s, line);
	s->greeted |= !more;
	return (struct feed_result){ FEED_OK, line.len, 0 };
}

static struct feed_result feed_client(struct state *s, struct slice line, struct stamp at)
{
	struct slice rest;

	if (s->lost[s->front] && which(line, &rest) == COMMANDS)
		return (struct feed_result){ FEED_OK, line.len, line.len };
	s->lost[s->front] = false;
	session_count(s->session, FATE_EXAMINED, line.len);
	if (s->sink->afford)	/* what comes next is known by the command, whatever it has cost */
		s->sink->afford(s->sink->owner, COST_LINE);
	command(s, line, at);
	return (struct feed_result){ FEED_OK, line.len, 0 };
}

/* ---- the row ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->conn = conn;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	s->doubt = s->greeted = conn->late;
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	size_t n = line_whole(in);
	bool more;

	if (!n)
		return (struct feed_result){ in.len > LINE_MAX ? FEED_BAD : FEED_MORE, 0, 0 };
	if (!s->front_known) {
		s->front = line_reply(in, &more) ? !dir : dir;
		s->front_known = true;
	}
	return dir == s->front ? feed_client(s, slice_of(in.ptr, n), at) : feed_server(s, slice_of(in.ptr, n), at);
}

/* Replies come in the order of commands, which says nothing any more: who waits has had his, or will not know it. */
static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;

	s->lost[dir] = true;
	if (!lost)
		return 0;
	s->doubt = s->greeted = true;
	if (dir != s->front)
		s->between = 0;
	pairs_gap(&s->pairs, s->session, at);
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	pairs_interval(&s->pairs, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	pairs_end(&s->pairs, s->session, at);
}

static void fini(void *state)
{
	struct state *s = state;

	pairs_free(&s->pairs);
}

const struct protocol protocol_ftp = {
	.name = "ftp", .summary = "FTP: commands with their replies, paths and who logs in, what its data connections move",
	.state_size = sizeof(struct state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
