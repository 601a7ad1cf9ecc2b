/* SPDX-License-Identifier: Apache-2.0 */
/* case.h - case files, as run_golden.c describes them, read into steps. */
#ifndef WEIR_TESTS_CASE_H
#define WEIR_TESTS_CASE_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "model/payload.h"

#define STEPS 64

enum step_kind { STEP_BYTES, STEP_GAP, STEP_CLOSE };
struct step { enum step_kind kind; enum dir dir; uint8_t *bytes; size_t len; };
struct test_case { struct step steps[STEPS]; unsigned nr; bool late, udp, account; uint8_t role; char *expect; struct buf described; };

static size_t unescape(const char *text, size_t len, uint8_t *out)
{
	size_t n = 0, open[8], depth = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned v;

		if (text[i] != '\\' || i + 1 == len) {
			out[n++] = (uint8_t)text[i];
			continue;
		}
		i++;
		if (text[i] == 'x' && len - i > 2 && sscanf(text + i + 1, "%2x", &v) == 1) {
			out[n++] = (uint8_t)v;
			i += 2;
		} else if (text[i] == '{' && depth < 8) {
			open[depth++] = n++;
		} else if (text[i] == '}' && depth) {
			depth--;
			out[open[depth]] = (uint8_t)(n - open[depth] - 1);
		} else {
			out[n++] = text[i] == 'r' ? '\r' : text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : (uint8_t)text[i];
		}
	}
	return n;
}

static void add_bytes(struct test_case *c, enum dir dir, const char *text, size_t len)
{
	struct step *s = c->nr ? &c->steps[c->nr - 1] : NULL;

	/* Lines of one direction in a row are one piece, so that a case can be laid out. */
	if (c->udp || !s || s->kind != STEP_BYTES || s->dir != dir) {
		s = &c->steps[c->nr++];
		*s = (struct step){ STEP_BYTES, dir, NULL, 0 };
	}
	s->bytes = realloc(s->bytes, s->len + len + 1);
	s->len += unescape(text, len, s->bytes + s->len);
}

/* "recv frame TYPE FLAGS STREAM: payload", FLAGS in hex; the head of HTTP/2's frame goes before. */
static bool add_frame(struct test_case *c, const char *line, size_t len)
{
	static const char *const types[] = { "data", "headers", "priority", "rst_stream", "settings", "push_promise", "ping", "goaway",
					     "window_update", "continuation", "unknown" };
	char way[5], type[16], head[40];
	uint8_t *payload = malloc(len);
	unsigned flags, stream, t = 0;
	int from = 0;
	size_t n;

	if (sscanf(line, "%4s frame %15s %x %u:%n", way, type, &flags, &stream, &from) != 4 || !from || (size_t)from > len) {
		free(payload);
		return false;
	}
	while (t < 10 && strcmp(types[t], type))
		t++;
	from += line[from] == ' ';
	n = unescape(line + from, len - (size_t)from, payload);
	snprintf(head, sizeof(head), "\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x", (unsigned)(n >> 16), (unsigned)(n >> 8 & 255),
		 (unsigned)(n & 255), t, flags & 255, stream >> 24, stream >> 16 & 255, stream >> 8 & 255, stream & 255);
	add_bytes(c, strcmp(way, "send") ? DIR_RECEIVED : DIR_SENT, head, strlen(head));
	add_bytes(c, strcmp(way, "send") ? DIR_RECEIVED : DIR_SENT, line + from, len - (size_t)from);
	free(payload);
	return true;
}

static void add_described(struct test_case *c, const char *text, size_t len)
{
	uint8_t *bytes = malloc(len + 1);

	buf_add(&c->described, bytes, unescape(text, len, bytes));
	free(bytes);
}

static bool case_read(const char *path, struct test_case *c)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	struct buf expect;
	bool expecting = false;

	memset(c, 0, sizeof(*c));
	buf_init(&c->described, 1 << 16);
	buf_init(&expect, 1 << 20);
	if (!f)
		return false;
	while ((n = getline(&line, &size, f)) > 0 && c->nr < STEPS - 1) {
		unsigned lost;

		if (expecting) {
			buf_add(&expect, line, (size_t)n);
			continue;
		}
		if (line[n - 1] == '\n')
			line[--n] = 0;
		if (!strncmp(line, "recv: ", 6))
			add_bytes(c, DIR_RECEIVED, line + 6, (size_t)n - 6);
		else if (!strncmp(line, "send: ", 6))
			add_bytes(c, DIR_SENT, line + 6, (size_t)n - 6);
		else if (!strncmp(line, "describe: ", 10))
			add_described(c, line + 10, (size_t)n - 10);
		else if (sscanf(line, "gap recv %u", &lost) == 1)
			c->steps[c->nr++] = (struct step){ STEP_GAP, DIR_RECEIVED, NULL, lost };
		else if (sscanf(line, "gap send %u", &lost) == 1)
			c->steps[c->nr++] = (struct step){ STEP_GAP, DIR_SENT, NULL, lost };
		else if (strstr(line, " frame ") == line + 4 && add_frame(c, line, (size_t)n))
			continue;
		else if (!strcmp(line, "late"))
			c->late = true;
		else if (!strcmp(line, "udp"))
			c->udp = true;
		else if (!strcmp(line, "account"))
			c->account = true;
		else if (!strcmp(line, "client"))
			c->role = ROLE_CLIENT;
		else if (!strcmp(line, "close"))
			c->steps[c->nr++] = (struct step){ STEP_CLOSE, DIR_SENT, NULL, 0 };
		else if (!strcmp(line, "expect"))
			expecting = true;
		else if (n && line[0] != '#') {
			printf("%s: not a line of a case: %s\n", path, line);
			return false;
		}
	}
	c->expect = strdup(buf_str(&expect));
	buf_free(&expect);
	free(line);
	fclose(f);
	return expecting;
}

static void case_free(struct test_case *c)
{
	for (unsigned i = 0; i < c->nr; i++)
		free(c->steps[i].bytes);
	free(c->expect);
	buf_free(&c->described);
}

/* Every case file below the folder, in order. */
static inline void each_case(const char *folder, void (*run)(const char *path))
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(names[i]->d_name);
		char *path = malloc(strlen(folder) + len + 2);
		struct stat st;

		sprintf(path, "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && !stat(path, &st)) {
			if (S_ISDIR(st.st_mode))
				each_case(path, run);
			else if (len > 5 && !strcmp(names[i]->d_name + len - 5, ".case"))
				run(path);
		}
		free(path);
		free(names[i]);
	}
	free(names);
}

#endif
