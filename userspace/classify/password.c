/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - passwords by their key. The value can only say no: masks, hashes,
 * flags, templates and texts about passwords are not passwords. */
#include <string.h>

#include "classify/check.h"

#define VALUE_MAX	128	/* longer is a text or a blob */

/* Flags, and what logs print instead of a secret. */
static const char *const nothing[] = {
	"true", "false", "null", "nil", "none", "undefined", "nan", "yes", "no", "on", "off", "0", "1", "n/a", "na", "-",
	"redacted", "[redacted]", "<redacted>", "filtered", "[filtered]", "hidden", "[hidden]", "(hidden)", "masked",
	"<masked>", "<hidden>", "removed", "[removed]", "secret text", "string", "text", "required", "optional",
	"invalid", "valid", "empty", "unset", "set", "expired", "missing", "ok", "object", "<nil>", "(null)",
	"[protected]", "protected", "unchanged", "not set", "must", "is", "failed", "wrong", "incorrect", NULL
};
/* Stands for a password in documents and defaults, and is one often enough. */
static const char *const published[] = {
	"password", "passwort", "secret", "changeme", "change_me", "changeit", "yourpassword", "your_password",
	"your-password", "mypassword", "my_password", "example", "test", "password123", "letmein", "hunter2",
	"correct horse battery staple", NULL
};
static const char *const hash_heads[] = {
	"$2a$", "$2b$", "$2y$", "$2x$", "$argon2", "$1$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$scrypt", "$pbkdf2",
	"$apr1$", "$md5", "$sha1$", "{ssha", "{sha", "{md5", "{bcrypt}", "{pbkdf2", "{argon2", "{crypt}", "{noop}",
	"pbkdf2_", "pbkdf2:", "scrypt:", "bcrypt$", "bcrypt_", "argon2$", "sha256$", "sha1$", "md5$", "scram-sha-", NULL
};
static const char *const template_heads[] = { "${", "{{", "%(", "<%", "#{", "$(", "@{", NULL };

/* "********", "••••", "xxxxxx", "......": one mask character repeated. */
static bool is_masked(struct slice v)
{
	static const char bullets[][4] = { "\u2022", "\u25cf", "\u00b7", "\u2217" };
	size_t stars = 0;

	for (size_t i = 0; i < v.len; i++)
		stars += v.ptr[i] == '*';
	if (v.len >= 3 && few_bytes((const char *)v.ptr, v.len, 1))
		return strchr("*xX.#-_?", v.ptr[0]) != NULL;
	for (size_t i = 0; i < sizeof(bullets) / sizeof(bullets[0]); i++)
		if (slice_begins(v, 0, bullets[i]))
			return true;
	return stars >= 3 && 2 * stars >= v.len;
}

static bool is_digest(struct slice v)
{
	if (v.len != 32 && v.len != 40 && v.len != 56 && v.len != 64 && v.len != 96 && v.len != 128)
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!is_hex(v.ptr[i]))
			return false;
	return true;
}

static bool is_template(struct slice v)
{
	uint8_t last = v.ptr[v.len - 1];

	for (const char *const *t = template_heads; *t; t++)
		if (slice_begins(v, 0, *t))
			return true;
	if ((v.ptr[0] == '<' && last == '>') || (v.ptr[0] == '{' && last == '}') || (v.ptr[0] == '[' && last == ']'))
		return true;
	/* $DB_PASSWORD and %DB_PASSWORD% */
	if (v.ptr[0] != '$' && v.ptr[0] != '%')
		return false;
	for (size_t i = 1; i < v.len; i++)
		if (!is_upper(v.ptr[i]) && v.ptr[i] != '_' && !is_digit(v.ptr[i]) && i + 1 < v.len)
			return false;
	return v.len > 1 && is_upper(v.ptr[1]);
}

/* More than a passphrase: four blanks, or a sentence's end. */
static bool is_sentence(struct slice v)
{
	unsigned blanks = 0;

	for (size_t i = 0; i < v.len; i++)
		blanks += v.ptr[i] == ' ';
	return blanks > 5 || (blanks > 1 && (v.ptr[v.len - 1] == '.' || v.ptr[v.len - 1] == '?' || v.ptr[v.len - 1] == '!' ||
					     v.ptr[v.len - 1] == ':'));
}

static bool is_address(struct slice v)
{
	return slice_begins_fold(v, 0, "http://") || slice_begins_fold(v, 0, "https://") || slice_begins_fold(v, 0, "file:") ||
	       slice_begins_fold(v, 0, "arn:") || slice_begins_fold(v, 0, "vault:");
}

/* 2016-09-08T21:47:36Z: when it was set or used. */
static bool is_date(struct slice v)
{
	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? byte_at(v, i) != '-' : !is_digit(byte_at(v, i)))
			return false;
	return true;
}

static bool has_head(const char *const *heads, struct slice v)
{
	for (; *heads; heads++)
		if (slice_begins_fold(v, 0, *heads))
			return true;
	return false;
}

/* Mixed kinds of characters: what people choose when a rule makes them. A word with a capital is no such thing. */
static bool is_mixed(struct slice v)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		kinds |= is_digit(c) ? 1 : is_upper(c) && i ? 2 : is_alpha(c) ? 4 : 8;
	}
	return v.len >= 6 && kinds & (kinds - 1);
}

/* "Hide password", "RDSDatabasePassword", "user-password": letters that say what should stand there. */
static bool is_label(struct slice v)
{
	static const char *const words[] = { "passwor", "passphrase", "kennwort", "mot de passe", "contraseñ", "senha", "wachtwoord", "пароль", NULL };
	bool says = false;

	for (size_t i = 0; i < v.len; i++) {
		if (is_digit(v.ptr[i]) || (v.ptr[i] < 0x80 && !is_alpha(v.ptr[i]) && !strchr(" -_.'", v.ptr[i])))
			return false;
		for (const char *const *w = words; *w; w++)
			says |= slice_begins_fold(v, i, *w) && v.len > strlen(*w) + 2;
	}
	return says;
}

/* "/home/ana": PWD is the folder as well. */
static bool is_folder(struct slice v)
{
	return v.ptr[0] == '/' && is_alpha(byte_at(v, 1)) && memchr(v.ptr + 1, '/', v.len - 1);
}

/* "os.environ[…]", "self._tokens.pop(…)", "str, token": what a program says of it. */
static bool is_code(struct slice v)
{
	static const char *const heads[] = { "os.", "process.env", "self.", "this.", "config.", "settings.", "request.", "req.", "env.", "ENV[", "System.getenv", "params", NULL };
	static const char *const types[] = { "str", "string", "int", "bool", "boolean", "bytes", "any", "char", "text", "varchar", "number", "object", "optional",
		"amd64", "arm64", "i386", "new", NULL };

	return word_listed(types, v) || has_head(heads, v);
}

/* "my password is Wolken-77!": the words of a text before one. */
static const char *const said[] = { "password is ", "Password is ", "passwort ist ", "Passwort ist ", "passphrase is ", NULL };

/* Behind such words the next one, when it is mixed: "is required" says no password. */
static int said_find(struct slice s, size_t at, size_t words, struct hit *out)
{
	size_t start = at + words, end, digits = 0, marks = 0;

	start += byte_at(s, start) == '"' || byte_at(s, start) == '\'' || byte_at(s, start) == '`';
	for (end = start; end < s.len && end - start < VALUE_MAX && s.ptr[end] > ' ' && !strchr("\"'`<>", s.ptr[end]); end++) {
		digits += is_digit(s.ptr[end]);
		marks += !is_alnum(s.ptr[end]) && s.ptr[end] < 0x80 && s.ptr[end] != '.' && s.ptr[end] != ',' && s.ptr[end] != '-';
	}
	while (end > start && strchr(".,;:)?", s.ptr[end - 1]))
		end--;
	if (end - start < 6 || !(digits + marks) || (digits == end - start && digits < 8) || is_template((struct slice){ s.ptr + start, end - start }) ||
	    is_masked((struct slice){ s.ptr + start, end - start }))
		return 0;
	return hit_hidden(out, start, end, 45);
}

static int password_find(struct slice v, size_t at, struct hit *out)
{
	for (const char *const *w = said; *w && to_lower(byte_at(v, at)) == 'p'; w++)
		if (slice_begins(v, at, *w))
			return said_find(v, at, strlen(*w), out);
	if (at)
		return 0;
	if (v.len < 3 || v.len > VALUE_MAX || word_listed(nothing, v) || is_masked(v) || is_digest(v))
		return 0;
	if (is_label(v) || is_folder(v) || is_code(v) || is_template(v) || is_sentence(v) || is_address(v) || is_date(v) || has_head(hash_heads, v))
		return 0;
	out->start = 0;
	out->end = v.len;
	out->sample = word_listed(published, v) || slice_has(v, "EXAMPLE") || slice_has(v, "example");
	mask_set(out->mask, "********");
	return is_mixed(v) ? 45 : 35;
}

static const struct key_phrase keys[] = {
	{ "password", KEY_EXACT }, { "passwd", KEY_EXACT }, { "passwrd", KEY_EXACT }, { "pwd", KEY_EXACT }, { "pswd", KEY_EXACT },
	{ "passphrase", KEY_EXACT }, { "userpass", KEY_EXACT }, { "userpassword", KEY_EXACT }, { "dbpass", KEY_EXACT },
	{ "dbpassword", KEY_EXACT }, { "newpassword", KEY_EXACT }, { "oldpassword", KEY_EXACT }, { "pgpassword", KEY_EXACT },
	{ "passwort", KEY_EXACT }, { "kennwort", KEY_EXACT }, { "motdepasse", KEY_EXACT }, { "mdp", KEY_EXACT },
	{ "contraseña", KEY_EXACT }, { "contrasena", KEY_EXACT }, { "contrasenya", KEY_EXACT }, { "paroladordine", KEY_EXACT },
	{ "parolachiave", KEY_EXACT }, { "senha", KEY_EXACT }, { "palavrapasse", KEY_EXACT }, { "wachtwoord", KEY_EXACT },
	{ "hasło", KEY_EXACT }, { "haslo", KEY_EXACT }, { "pass", KEY_WEAK }, { "clave", KEY_WEAK }, { NULL, 0 }
};
/* Beside a password word: the text is about the password. */
static const char *const counter[] = {
	"onetime", "time", "reset", "must", "changed", "change", "expired", "expires", "expire", "min", "max", "forgot", "forgotten", "incorrect",
	"wrong", "invalid", "missing", "show", "can", "need", "needs", "boarding", "rate", "requirements", "less", "no",
	"-expiry", "-expiration", "-strength", "-question", "-token", "-field", "-attempts", "-history", "-salt",
	"-encrypted", "-protected", "-protection", "-error", "-errors", "-message", "-manager", "-file", "-path", "-name",
	"-id", "-at", "-on", "-date", "-time", "-rules", "-rule", "-complexity", "-updated", "-created", "-algorithm",
	"-algo", "-grant", "-set", "-auth", "-authentication", "-title", "-description", "-through", "-key", "-code",
	"-store", "-prompt", "-age", "-last", "-used", "-hide", "-toggle", "-tooltip", "-caption", "-button", "-desc", "-info", "-note",
	"-heading", "-visible", "-visibility", NULL
};

const struct class_row class_password = {
	.info = { "password", GROUP_SECRET, 3, CONF_LIKELY, "password in a field that says so" },
	.triggers = TRIGGER_KEY | TRIGGER_LITERAL,
	.literals = said,
	.against = AGAINST_GENERAL,
	.keys = keys,
	.counter = counter,
	.find = password_find,
};
