/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - the script of an interpreter is its first argument that is no option and no value of
 * one. Code on the command line is nobody's name, and may hold anything. */
#include "daemon/script.h"

#include <stdbool.h>
#include <string.h>

/* Letters of short options, of which several may share a dash: what comes after one that is not
 * listed is more of them. Long ones between spaces. */
static const struct interpreter {
	const char *name;
	const char *code;	/* what follows is code */
	const char *script;	/* what follows is the script, or a module */
	const char *value;	/* what follows is a value: in the same argument, else the next */
	const char *glued;	/* a value may follow in the same argument only */
	const char *code_long, *script_long, *value_long;
	const char *verb;	/* of a program that does more than to run scripts */
} interpreters[] = {
	{ .name = "python", .code = "c", .script = "m", .value = "WX", .value_long = " check-hash-based-pycs " },
	{ .name = "pypy", .code = "c", .script = "m", .value = "WX" },
	{ .name = "node", .code = "ep", .value = "rC", .code_long = " eval print ",
	  .value_long = " require import loader experimental-loader conditions env-file title icu-data-dir " },
	{ .name = "bun", .code = "ep", .value = "rc", .code_long = " eval print ", .value_long = " preload cwd config env-file ", .verb = "run" },
	{ .name = "deno", .value = "c", .glued = "AENRSWL", .value_long = " config import-map cert lock ", .verb = "run" },
	{ .name = "ruby", .code = "e", .value = "rICE", .glued = "WKTiFx0", .value_long = " encoding external-encoding internal-encoding " },
	{ .name = "perl", .code = "eE", .value = "I", .glued = "MmCDFidx0" },
	{ .name = "php", .code = "rBRE", .script = "fF", .value = "dczSt", .code_long = " run process-begin process-code process-end ",
	  .script_long = " file process-file ", .value_long = " define php-ini zend-extension server docroot " },
	{ .name = "lua", .code = "e", .value = "l" },
	{ .name = "tclsh", .value = "", .glued = "", .value_long = " encoding " },
	{ .name = "guile", .code = "c", .script = "s", .value = "elLCx", .value_long = " language " },
	{ .name = "bash", .code = "c", .value = "oO", .value_long = " rcfile init-file " },
	{ .name = "dash", .code = "c", .value = "o" },
	{ .name = "sh", .code = "c", .value = "oO" },
	{ .name = "java", .script = "m", .value = "p", .script_long = " jar module ",
	  .value_long = " cp classpath class-path module-path upgrade-module-path add-modules add-opens add-exports add-reads patch-module "
			"limit-modules enable-native-access " },
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* By its name, perhaps with a version. */
static const struct interpreter *interpreter_named(const char *path, size_t len)
{
	const char *base = path + len;

	while (base > path && base[-1] != '/')
		base--;
	len -= (size_t)(base - path);
	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
		size_t n = strlen(interpreters[i].name);

		if (len >= n && !memcmp(base, interpreters[i].name, n) && n + strspn(base + n, "0123456789.") >= len)
			return &interpreters[i];
	}
	return NULL;
}

static bool has(const char *letters, char c)
{
	return letters && strchr(letters, c);
}

/* Is it one of the words, each between spaces? */
static bool lists(const char *words, const char *word, size_t n)
{
	for (const char *at = words; at && at[1]; at += 1 + strcspn(at + 1, " "))
		if (strcspn(at + 1, " ") == n && !memcmp(at + 1, word, n))
			return true;
	return false;
}

enum meaning { NOTHING, CODE, SCRIPT_FOLLOWS, VALUE_FOLLOWS };

/* *glued: the script, where it is in the same argument. */
static enum meaning short_option(const struct interpreter *in, const char *p, const char **glued)
{
	for (; *p; p++) {
		if (has(in->code, *p))
			return CODE;
		if (has(in->script, *p)) {
			*glued = p[1] ? p + 1 : NULL;
			return SCRIPT_FOLLOWS;
		}
		if (has(in->value, *p))
			return p[1] ? NOTHING : VALUE_FOLLOWS;
		if (has(in->glued, *p))
			return NOTHING;
	}
	return NOTHING;
}

static enum meaning option(const struct interpreter *in, const char *p, const char **glued)
{
	const char *word = p + 1 + (p[1] == '-');
	size_t n = strcspn(word, "=");

	if (lists(in->code_long, word, n))
		return CODE;
	if (lists(in->script_long, word, n)) {
		*glued = word[n] ? word + n + 1 : NULL;
		return SCRIPT_FOLLOWS;
	}
	if (word[n])
		return NOTHING;
	if (lists(in->value_long, word, n))
		return VALUE_FOLLOWS;
	/* Words with one dash are what Java has, and Guile in part. */
	if (p[1] == '-' || (!in->code && p[2]))
		return NOTHING;
	return short_option(in, p + 1, glued);
}

static const char *script_in(const struct interpreter *in, const char *p, const char *end)
{
	const char *glued = NULL;
	enum meaning m = NOTHING;

	for (; p < end; p += strlen(p) + 1) {
		bool told = m == SCRIPT_FOLLOWS;

		if (m == VALUE_FOLLOWS) {
			m = NOTHING;
			continue;
		}
		if (!strcmp(p, "-"))
			return NULL;	/* it is read */
		if (!told && !strcmp(p, "--")) {
			m = SCRIPT_FOLLOWS;
			continue;
		}
		if (!told && *p == '-') {
			m = option(in, p, &glued);
			if (m == CODE)
				return NULL;
			if (glued)
				return base_of(glued);
			continue;
		}
		if (!told && in->verb && !strcmp(p, in->verb))
			continue;
		if (*p)
			return base_of(p);
	}
	return NULL;
}

/* A process may write what it likes over its arguments: servers put their name there and what they are
 * at ("puma 5.6.5 (ssl://...)", "gunicorn: master [app]"), and PM2 "node /srv/app.js". */
static const char *title_of(const char *title, size_t *len)
{
	const char *word = title, *base;

	*len = strcspn(word, " :");
	if (word[*len] == ' ' && interpreter_named(word, *len)) {
		word += *len + 1;
		*len = strcspn(word, " ");
	}
	base = word + *len;
	while (base > word && base[-1] != '/')
		base--;
	*len -= (size_t)(base - word);
	return *word != '-' && *len ? base : NULL;
}

const char *script_of(const char *exe, const char *args, size_t n, size_t *len)
{
	const struct interpreter *in = interpreter_named(exe, strlen(exe));
	const char *found;
	size_t first;

	if (!in || !n || args[n - 1])
		return NULL;
	first = strlen(args);
	if (args[strcspn(args, " :")] && !interpreter_named(args, first))
		return title_of(args, len);
	found = script_in(in, args + first + 1, args + n);
	*len = found ? strlen(found) : 0;
	return found;
}
