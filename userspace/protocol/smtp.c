/* SPDX-License-Identifier: Apache-2.0 */
/* smtp.c - SMTP, submission and LMTP (RFC 5321, 2920, 3030, 4954, 2033): a mail from MAIL to the reply
 * to its content is one exchange, and so is a log-in. The content goes to the decoder of mails. */
#include <errno.h>
#include <stdio.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/hash.h"
#include "protocol/content.h"
#include "protocol/line.h"
#include "protocol/protocol.h"

#define LINE_MAX	12288	/* RFC 4954, 4: the longest */
#define ASKED_MAX	256	/* commands without reply */
#define SECRET_MAX	4096	/* bytes of an answer to a log-in; a longer one is not looked at */
#define COST_LINE	200	/* ns */

enum phase { PHASE_LINES, PHASE_CONTENT, PHASE_CHUNK, PHASE_LOGIN };
enum kind { ASKED_OTHER, ASKED_MAIL, ASKED_RCPT, ASKED_DATA, ASKED_CONTENT, ASKED_CHUNK, ASKED_LOGIN, ASKED_TLS };

/* What the server still owes. mail: number of the mail that it belongs to. */
struct asked { enum kind kind; unsigned replies, mail; bool answered; struct exchange *ex; uint64_t at; };

struct state {
	const struct field_sink *sink;
	struct session *session;
	enum dir front;			/* the client's direction */
	bool front_known, lmtp, lost[2], between;	/* between: in a reply of several lines */
	enum phase phase;
	struct asked *asked;		/* a ring of ASKED_MAX; NULL while it is empty */
	unsigned first, nr;
	struct exchange *mail, *login;	/* being asked */
	unsigned mails, taken;		/* number of the mail; recipients of it that the server took */
	unsigned answers;		/* to the log-in so far */
	uint64_t chunk;			/* bytes of it to come */
	bool last_chunk, cut, holed, fresh;	/* fresh: at a line's begin */
	struct buf held;		/* the mail */
	uint8_t auth;
	char host[NAME_SIZE], mechanism[WORD_SIZE];
};

static const char *const commands[] = {
	"EHLO", "HELO", "LHLO", "MAIL FROM:", "RCPT TO:", "DATA", "BDAT", "AUTH", "STARTTLS", "RSET", "QUIT", "NOOP", "VRFY", "EXPN", "HELP",
};

/* ---- whose is it? ---- */

static bool is_command(struct slice line)
{
	struct slice rest;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (line_is(line, commands[i], &rest))
			return true;
	return false;
}

static int guess(struct slice head, enum dir dir)
{
	static const char *const sure[] = { "EHLO", "HELO", "LHLO", "MAIL FROM:", "RCPT TO:" };
	size_t n = line_whole(head);
	struct slice line = slice_of(head.ptr, n ? n : head.len), rest;
	bool more;

	for (size_t i = 0; i < sizeof(sure) / sizeof(sure[0]); i++) {
		if (line_is(line, sure[i], &rest))
			return n && rest.len ? 90 : n ? 0 : -EAGAIN;
		if (line.len < strlen(sure[i]) && !strncasecmp((const char *)line.ptr, sure[i], line.len))
			return -EAGAIN;
	}
	if (line.len < 4)
		return head.len && line.ptr[0] == '2' ? -EAGAIN : 0;
	if (line_reply(line, &more) != 220)
		return 0;
	/* "220 name ESMTP ...": FTP greets with the same number, and who does not say more is known by the client. */
	return memmem(line.ptr, line.len, "SMTP", 4) || memmem(line.ptr, line.len, "LMTP", 4) ? 85 : -EAGAIN;
}

/* ---- what is asked, and by whom it is answered ---- */

static struct exchange *exchange_new(struct state *s, const char *method, struct stamp at)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = at.time;
	ex->conn.role = s->front == DIR_SENT ? ROLE_CLIENT : ROLE_SERVER;
	ex->auth = s->auth;
	word_set(ex->method, method);
	snprintf(ex->host, sizeof(ex->host), "%s", s->host);
	return ex;
}

static void emit(struct state *s, struct exchange **ex, struct stamp at)
{
	if (!*ex)
		return;
	session_emit(s->session, *ex, at);
	budget_free(*ex, sizeof(**ex));
	*ex = NULL;
}

static struct asked *owed(struct state *s)
{
	return s->nr ? &s->asked[s->first] : NULL;
}

static void drop(struct state *s)
{
	s->first = (s->first + 1) % ASKED_MAX;
	if (--s->nr)
		return;
	budget_free(s->asked, ASKED_MAX * sizeof(s->asked[0]));	/* most connections rest */
	s->asked = NULL;
}

/* Takes ex. */
static void ask(struct state *s, enum kind kind, struct exchange *ex, unsigned replies, struct stamp at)
{
	if (s->nr == ASKED_MAX) {
		emit(s, &owed(s)->ex, at);
		drop(s);
	}
	if (!s->asked) {
		s->asked = budget_alloc(ASKED_MAX * sizeof(s->asked[0]));
		s->first = 0;
	}
	if (!s->asked) {
		emit(s, &ex, at);
		return;
	}
	s->asked[(s->first + s->nr++) % ASKED_MAX] = (struct asked){ kind, replies, s->mails, false, ex, at.time };
}

static void field(struct state *s, struct exchange *ex, const char *path, const char *key, struct slice value)
{
	struct field f = { .location = LOC_REQUEST_HEADER, .dir = s->front, .path = path, .key = slice_of(key, strlen(key)), .value = value, .text = 1 };

	if (value.len)
		s->sink->field(s->sink->owner, ex, &f);
}

/* ---- a mail ---- */

static void mail_forget(struct state *s)
{
	buf_free(&s->held);
	s->cut = s->holed = s->last_chunk = false;
	s->taken = 0;
}

/* It comes to nothing: the client goes on without it, or ends. */
static void mail_abandon(struct state *s, struct stamp at)
{
	emit(s, &s->mail, at);
	mail_forget(s);
}

/* "<ana@example.org> SIZE=100", with or without the brackets. */
static struct slice address(struct slice s)
{
	const uint8_t *end;

	if (s.len && s.ptr[0] == '<') {
		end = memchr(s.ptr, '>', s.len);
		return slice_of(s.ptr + 1, (end ? (size_t)(end - s.ptr) : s.len) - 1);
	}
	end = s.len ? memchr(s.ptr, ' ', s.len) : NULL;
	return slice_of(s.ptr, end ? (size_t)(end - s.ptr) : s.len);
}

/* Where it goes: the domain of all recipients, or "*". */
static void route_add(struct state *s, struct slice to)
{
	const uint8_t *at = to.len ? memrchr(to.ptr, '@', to.len) : NULL;
	char name[NAME_SIZE] = "-";

	if (at && at + 1 < to.ptr + to.len)
		s->sink->clean(s->sink->owner, name, slice_of(at + 1, to.len - (size_t)(at - to.ptr) - 1));
	if (!s->mail->route[0])
		snprintf(s->mail->route, sizeof(s->mail->route), "%s", name);
	else if (strcmp(s->mail->route, name))
		snprintf(s->mail->route, sizeof(s->mail->route), "*");
}

static void mail_from(struct state *s, struct slice from, struct stamp at)
{
	mail_abandon(s, at);
	s->mails++;
	s->mail = exchange_new(s, "MAIL", at);
	if (s->mail)
		field(s, s->mail, "smtp.from", "from", address(from));
}

static void rcpt_to(struct state *s, struct slice to, struct stamp at)
{
	if (!s->mail)	/* its beginning was not seen */
		s->mail = exchange_new(s, "MAIL", at);
	if (!s->mail)
		return;
	to = address(to);
	field(s, s->mail, "smtp.to", "to", to);
	route_add(s, to);
}

static void hold(struct state *s, struct slice in)
{
	size_t room = PROTOCOL_BODY_HELD - s->held.len, n = in.len < room ? in.len : room;

	if (!s->holed && (buf_add(&s->held, in.ptr, n) || n < in.len))
		s->cut = true;
}

/* Its last byte was sent. */
static void mail_end(struct state *s, enum kind kind, struct stamp at)
{
	struct content_job job = { .exchange = s->mail, .sink = s->sink, .location = LOC_REQUEST_BODY, .dir = s->front, .cut = s->cut };
	struct exchange *ex = s->mail;

	s->phase = PHASE_LINES;
	if (ex && s->held.len)
		ex->inspected = (uint8_t)content_decode(&job, SLICE("message/rfc822"), slice_of(s->held.ptr, s->held.len));
	else if (ex && s->cut)
		ex->inspected = INSPECTED_PARTIAL;
	s->mail = NULL;
	ask(s, kind, ex, s->lmtp && s->taken ? s->taken : 1, at);
	mail_forget(s);
}

/* ---- a log-in ---- */

static void secret(struct state *s, struct slice plain)
{
	const uint8_t *nul[2];
	struct slice user = plain, bearer;

	if (!strcasecmp(s->mechanism, "plain")) {	/* RFC 4616: who NUL user NUL password */
		nul[0] = plain.len ? memchr(plain.ptr, 0, plain.len) : NULL;
		nul[1] = nul[0] ? memchr(nul[0] + 1, 0, (size_t)(plain.ptr + plain.len - nul[0]) - 1) : NULL;
		if (!nul[1])
			return;
		user = slice_of(nul[0] + 1, (size_t)(nul[1] - nul[0]) - 1);
		field(s, s->login, "auth.user", "user", user);
		field(s, s->login, "auth.password", "password", slice_of(nul[1] + 1, (size_t)(plain.ptr + plain.len - nul[1]) - 1));
	} else if (!strcasecmp(s->mechanism, "login")) {	/* the user, then the password */
		field(s, s->login, s->answers ? "auth.password" : "auth.user", s->answers ? "password" : "user", plain);
	} else if (s->login->auth == AUTH_BEARER) {	/* RFC 7628: pairs between ^A, "auth=Bearer token" one of them */
		const uint8_t *word = memmem(plain.ptr, plain.len, "auth=Bearer ", 12), *end;

		if (!word)
			return;
		bearer = slice_of(word + 12, (size_t)(plain.ptr + plain.len - word) - 12);
		end = bearer.len ? memchr(bearer.ptr, 1, bearer.len) : NULL;
		bearer.len = end ? (size_t)(end - bearer.ptr) : bearer.len;
		field(s, s->login, "auth.token", "access_token", bearer);
	}
}

static void login_answer(struct state *s, struct slice line)
{
	uint8_t plain[SECRET_MAX];
	int n;

	line = line_trim(line);
	if (!s->login || !line.len || line.len > SECRET_MAX)
		return;
	n = base64_decode(plain, sizeof(plain), (const char *)line.ptr, line.len);
	if (n >= 0)
		secret(s, slice_of(plain, (size_t)n));
	explicit_bzero(plain, sizeof(plain));
	s->answers++;
}

static void login_begin(struct state *s, struct slice rest, struct stamp at)
{
	const uint8_t *blank = rest.len ? memchr(rest.ptr, ' ', rest.len) : NULL;
	struct slice mechanism = slice_of(rest.ptr, blank ? (size_t)(blank - rest.ptr) : rest.len);
	char name[NAME_SIZE];

	emit(s, &s->login, at);
	s->login = exchange_new(s, "AUTH", at);
	s->phase = PHASE_LOGIN;
	s->answers = 0;
	s->sink->clean(s->sink->owner, name, mechanism);
	snprintf(s->mechanism, sizeof(s->mechanism), "%.*s", (int)sizeof(s->mechanism) - 1, name);
	ask(s, ASKED_LOGIN, NULL, 1, at);
	if (!s->login)
		return;
	snprintf(s->login->route, sizeof(s->login->route), "%s", name);
	s->login->auth = !strcasecmp(s->mechanism, "plain") || !strcasecmp(s->mechanism, "login") ? AUTH_BASIC :
			 !strcasecmp(s->mechanism, "xoauth2") || !strcasecmp(s->mechanism, "oauthbearer") ? AUTH_BEARER : AUTH_OTHER;
	if (blank)
		login_answer(s, slice_of(blank + 1, rest.len - (size_t)(blank + 1 - rest.ptr)));
}

/* ---- lines ---- */

static void chunk_end(struct state *s, struct stamp at)
{
	if (s->last_chunk) {
		mail_end(s, ASKED_CONTENT, at);
		return;
	}
	s->phase = PHASE_LINES;
	ask(s, ASKED_CHUNK, NULL, 1, at);
}

static void chunk_begin(struct state *s, struct slice rest)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < rest.len && rest.ptr[i] >= '0' && rest.ptr[i] <= '9' && n < UINT32_MAX; i++)
		n = n * 10 + (rest.ptr[i] - '0');
	s->chunk = n;
	s->last_chunk = rest.len - i >= 4 && !strncasecmp((const char *)rest.ptr + rest.len - 4, "LAST", 4);
	s->phase = PHASE_CHUNK;
}

static bool ends_mail(struct slice line)
{
	static const char *const words[] = { "EHLO", "HELO", "LHLO", "RSET", "QUIT" };
	struct slice rest;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (line_is(line, words[i], &rest))
			return true;
	return false;
}

static void command(struct state *s, struct slice line, struct stamp at)
{
	struct slice rest;

	if (line_is(line, "MAIL FROM:", &rest)) {
		mail_from(s, rest, at);
		ask(s, ASKED_MAIL, NULL, 1, at);
	} else if (line_is(line, "RCPT TO:", &rest)) {
		rcpt_to(s, rest, at);
		ask(s, ASKED_RCPT, NULL, 1, at);
	} else if (line_is(line, "DATA", &rest)) {
		s->phase = PHASE_CONTENT;	/* until it is refused */
		s->fresh = true;
		ask(s, ASKED_DATA, NULL, 1, at);
	} else if (line_is(line, "BDAT", &rest)) {
		chunk_begin(s, rest);
	} else if (line_is(line, "AUTH", &rest)) {
		login_begin(s, rest, at);
	} else if (line_is(line, "STARTTLS", &rest)) {
		ask(s, ASKED_TLS, NULL, 1, at);
	} else {
		s->lmtp |= line_is(line, "LHLO", &rest);
		if (ends_mail(line))
			mail_abandon(s, at);
		ask(s, ASKED_OTHER, NULL, 1, at);
	}
	if (s->mail)
		s->mail->request_bytes += line.len;
	if (s->login && s->phase == PHASE_LOGIN)
		s->login->request_bytes += line.len;
	if (s->phase == PHASE_CHUNK && !s->chunk)
		chunk_end(s, at);
}

static void latency(struct exchange *ex, uint64_t asked, struct stamp at)
{
	uint64_t us = at.time > asked ? (at.time - asked) / 1000 : 0;

	ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* What the reply to that is a part of. NULL: nothing that is told of. */
static struct exchange *exchange_of(struct state *s, const struct asked *a)
{
	if (a->kind == ASKED_LOGIN)
		return s->login;
	if (a->ex || a->mail == s->mails)
		return a->ex ? a->ex : s->mail;
	for (unsigned i = 0; i < s->nr; i++) {	/* the client is ahead with the next one */
		const struct asked *later = &s->asked[(s->first + i) % ASKED_MAX];

		if (later->kind == ASKED_CONTENT && later->mail == a->mail)
			return later->ex;
	}
	return NULL;
}

/* A line of a reply; more: it is not the last. */
static void answer(struct state *s, unsigned code, bool more, size_t bytes, struct stamp at)
{
	struct asked *a = owed(s);
	bool refused = code >= 400;
	struct exchange *ex;

	if (!a)
		return;	/* a greeting, or its command was not seen */
	ex = exchange_of(s, a);
	if (ex)
		ex->response_bytes += bytes;
	if (more)
		return;
	switch (a->kind) {
	case ASKED_MAIL: case ASKED_DATA: case ASKED_CHUNK:
		if (ex && refused)
			ex->status = (uint16_t)code;
		if (a->kind == ASKED_DATA && code != 354 && s->phase == PHASE_CONTENT) {
			s->phase = PHASE_LINES;
			mail_abandon(s, at);
		}
		break;
	case ASKED_RCPT:
		s->taken += !refused && a->mail == s->mails;
		if (ex && refused && !ex->status)
			ex->status = (uint16_t)code;
		break;
	case ASKED_CONTENT:
		if (ex && (!a->answered || refused))
			ex->status = (uint16_t)code;
		if (ex && !a->answered)
			latency(ex, a->at, at);
		a->answered = true;
		if (--a->replies)
			return;
		emit(s, &a->ex, at);
		break;
	case ASKED_LOGIN:
		if (code == 334)
			return;	/* the client is asked for more */
		if (ex) {
			ex->status = (uint16_t)code;
			latency(ex, a->at, at);
			s->auth = refused ? s->auth : ex->auth;
		}
		emit(s, &s->login, at);
		s->phase = s->phase == PHASE_LOGIN ? PHASE_LINES : s->phase;
		break;
	case ASKED_TLS: case ASKED_OTHER:
		break;
	}
	drop(s);
}

static void greeting(struct state *s, struct slice line)
{
	struct slice rest = line_trim(slice_of(line.ptr + 4, line.len - 4));
	const uint8_t *blank = rest.len ? memchr(rest.ptr, ' ', rest.len) : NULL;

	if (blank)
		rest.len = (size_t)(blank - rest.ptr);
	if (rest.len)
		s->sink->clean(s->sink->owner, s->host, rest);
}

static struct feed_result feed_server(struct state *s, struct slice in, struct stamp at)
{
	size_t n = line_whole(in);
	bool more = false;
	unsigned code;

	if (!n)
		return in.len > LINE_MAX ? (struct feed_result){ FEED_BAD, 0, 0 } : (struct feed_result){ FEED_MORE, 0, 0 };
	code = line_reply(slice_of(in.ptr, n), &more);
	if (!code) {	/* the end of a line whose beginning was lost, or no reply at all */
		s->lost[!s->front] = true;
		return (struct feed_result){ FEED_OK, n, n };
	}
	s->lost[!s->front] = false;
	session_count(s->session, FATE_EXAMINED, n);
	if (code == 220 && !s->nr && !s->host[0])
		greeting(s, slice_of(in.ptr, n));
	/* The end of the content was lost: this is the reply to it. */
	if (!more && !s->nr && s->phase == PHASE_CONTENT && s->holed)
		mail_end(s, ASKED_CONTENT, at);
	answer(s, code, more, n, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

/* Up to where the content ends, or a dot at a line's begin is left out. */
static struct feed_result feed_content(struct state *s, struct slice in, struct stamp at)
{
	size_t n = 0;
	const uint8_t *dot;

	if (s->fresh && in.ptr[0] == '.') {
		if (in.len < 2 || (in.ptr[1] == '\r' && in.len < 3))
			return (struct feed_result){ FEED_MORE, 0, 0 };
		if (in.ptr[1] == '\n' || (in.ptr[1] == '\r' && in.ptr[2] == '\n')) {
			n = in.ptr[1] == '\n' ? 2 : 3;
			session_count(s->session, FATE_EXAMINED, n);
			if (s->mail)
				s->mail->request_bytes += n;
			mail_end(s, ASKED_CONTENT, at);
			return (struct feed_result){ FEED_OK, n, 0 };
		}
		n = 1;	/* RFC 5321, 4.5.2 */
	}
	dot = memmem(in.ptr + n, in.len - n, "\n.", 2);
	if (s->mail)
		s->mail->request_bytes += dot ? (size_t)(dot - in.ptr) + 1 : in.len;
	in.len = dot ? (size_t)(dot - in.ptr) + 1 : in.len;
	hold(s, slice_of(in.ptr + n, in.len - n));
	s->fresh = in.ptr[in.len - 1] == '\n';
	return (struct feed_result){ FEED_OK, in.len, 0 };
}

static struct feed_result feed_chunk(struct state *s, struct slice in, struct stamp at)
{
	size_t n = in.len < s->chunk ? in.len : (size_t)s->chunk;

	hold(s, slice_of(in.ptr, n));
	session_count(s->session, FATE_EXAMINED, n);
	if (s->mail)
		s->mail->request_bytes += n;
	s->chunk -= n;
	if (!s->chunk)
		chunk_end(s, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_client(struct state *s, struct slice in, struct stamp at)
{
	size_t n = line_whole(in);

	if (s->phase == PHASE_CHUNK)
		return feed_chunk(s, in, at);
	if (s->phase == PHASE_CONTENT)
		return feed_content(s, in, at);
	if (!n)
		return in.len > LINE_MAX ? (struct feed_result){ FEED_BAD, 0, 0 } : (struct feed_result){ FEED_MORE, 0, 0 };
	if (s->phase == PHASE_LOGIN) {
		session_count(s->session, FATE_EXAMINED, n);
		if (s->login)
			s->login->request_bytes += n;
		login_answer(s, slice_of(in.ptr, n));
		return (struct feed_result){ FEED_OK, n, 0 };
	}
	if (s->lost[s->front] && !is_command(slice_of(in.ptr, n)))
		return (struct feed_result){ FEED_OK, n, n };
	s->lost[s->front] = false;
	session_count(s->session, FATE_EXAMINED, n);
	if (s->sink->afford)	/* what comes next is known by the command, whatever it has cost */
		s->sink->afford(s->sink->owner, COST_LINE);
	command(s, slice_of(in.ptr, n), at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	buf_init(&s->held, PROTOCOL_BODY_HELD);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	bool more;

	if (!s->front_known) {
		s->front = line_reply(in, &more) ? !dir : dir;
		s->front_known = true;
	}
	return dir == s->front ? feed_client(s, in, at) : feed_server(s, in, at);
}

/* Replies are missing: who waits for one may have had it. */
static void replies_lost(struct state *s, struct stamp at)
{
	while (s->nr) {
		struct asked *a = owed(s);

		if (a->ex)
			a->ex->has_gap = 1;
		if (a->kind == ASKED_LOGIN && s->login) {
			s->login->has_gap = 1;
			emit(s, &s->login, at);
		}
		emit(s, &a->ex, at);
		drop(s);
	}
	if (s->phase == PHASE_LOGIN)
		s->phase = PHASE_LINES;
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;

	s->lost[dir] = true;
	if (dir != s->front) {
		replies_lost(s, at);
		return 0;
	}
	if (s->mail)
		s->mail->has_gap = 1;
	if (s->phase == PHASE_CHUNK || s->phase == PHASE_CONTENT)
		s->cut = s->holed = s->fresh = true;	/* what is behind the hole is not held */
	if (s->phase == PHASE_CHUNK && lost <= s->chunk) {
		s->chunk -= lost;
		if (!s->chunk)
			chunk_end(s, at);
		s->lost[dir] = false;
	} else if (s->phase == PHASE_CHUNK) {
		chunk_end(s, at);
	} else if (s->phase == PHASE_LOGIN) {
		s->phase = PHASE_LINES;
	}
	return 0;
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	if (s->phase == PHASE_CONTENT || s->phase == PHASE_CHUNK) {
		s->cut = true;
		mail_end(s, ASKED_CONTENT, at);
	}
	while (s->nr) {
		emit(s, &owed(s)->ex, at);
		drop(s);
	}
	emit(s, &s->login, at);
	emit(s, &s->mail, at);
}

static void fini(void *state)
{
	struct state *s = state;

	while (s->nr) {
		budget_free(owed(s)->ex, sizeof(struct exchange));
		drop(s);
	}
	budget_free(s->login, sizeof(*s->login));
	budget_free(s->mail, sizeof(*s->mail));
	buf_free(&s->held);
}

const struct protocol protocol_smtp = {
	.name = "smtp", .summary = "SMTP, submission and LMTP: mails with who they go to, and log-ins", .state_size = sizeof(struct state),
	.guess = guess, .init = init, .feed = feed, .gap = gap, .eof = eof, .fini = fini,
};
