/* SPDX-License-Identifier: Apache-2.0 */
/* redis_front.c - commands: which of their arguments are keys, names and values. An exchange is a
 * command with its answer; its route is what its first key looks like. */
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "protocol/content.h"
#include "protocol/redis.h"

static const struct { const char *name; enum re_kind kind; } commands[] = {
	{ "APPEND", RE_VALUE }, { "AUTH", RE_AUTH }, { "BLMOVE", RE_KEYS }, { "BLPOP", RE_KEYS }, { "BRPOP", RE_KEYS }, { "BZPOPMIN", RE_KEYS },
	{ "CLIENT", RE_CLIENT }, { "CLUSTER", RE_NONE }, { "COMMAND", RE_NONE }, { "CONFIG", RE_CONFIG }, { "COPY", RE_KEYS }, { "DBSIZE", RE_NONE },
	{ "DECR", RE_VALUE }, { "DECRBY", RE_VALUE }, { "DEL", RE_KEYS }, { "DISCARD", RE_DISCARD }, { "DUMP", RE_VALUE }, { "ECHO", RE_NONE },
	{ "EVAL", RE_SCRIPT }, { "EVALSHA", RE_SCRIPT }, { "EXEC", RE_EXEC }, { "EXISTS", RE_KEYS }, { "EXPIRE", RE_VALUE }, { "EXPIREAT", RE_VALUE },
	{ "FCALL", RE_SCRIPT }, { "FLUSHALL", RE_NONE }, { "FLUSHDB", RE_NONE }, { "FUNCTION", RE_NONE }, { "GEOADD", RE_VALUE },
	{ "GEOSEARCH", RE_VALUE }, { "GET", RE_VALUE }, { "GETDEL", RE_VALUE }, { "GETEX", RE_VALUE }, { "GETRANGE", RE_VALUE },
	{ "GETSET", RE_VALUE }, { "HDEL", RE_VALUE }, { "HELLO", RE_HELLO }, { "HEXISTS", RE_VALUE }, { "HGET", RE_NAMES }, { "HGETALL", RE_ALL },
	{ "HINCRBY", RE_HASH }, { "HKEYS", RE_VALUE }, { "HLEN", RE_VALUE }, { "HMGET", RE_NAMES }, { "HMSET", RE_HASH }, { "HSCAN", RE_VALUE },
	{ "HSET", RE_HASH }, { "HSETNX", RE_HASH }, { "HVALS", RE_VALUE }, { "INCR", RE_VALUE }, { "INCRBY", RE_VALUE }, { "INFO", RE_NONE },
	{ "JSON.GET", RE_VALUE }, { "JSON.SET", RE_VALUE }, { "KEYS", RE_NONE }, { "LATENCY", RE_NONE }, { "LINDEX", RE_VALUE },
	{ "LINSERT", RE_VALUE }, { "LLEN", RE_VALUE }, { "LMOVE", RE_KEYS }, { "LPOP", RE_VALUE }, { "LPUSH", RE_VALUE }, { "LPUSHX", RE_VALUE },
	{ "LRANGE", RE_VALUE }, { "LREM", RE_VALUE }, { "LSET", RE_VALUE }, { "LTRIM", RE_VALUE }, { "MEMORY", RE_NONE }, { "MGET", RE_KEYS },
	{ "MONITOR", RE_MONITOR }, { "MOVE", RE_VALUE }, { "MSET", RE_PAIRS }, { "MSETNX", RE_PAIRS }, { "MULTI", RE_MULTI }, { "OBJECT", RE_NONE },
	{ "PERSIST", RE_VALUE }, { "PEXPIRE", RE_VALUE }, { "PFADD", RE_VALUE }, { "PFCOUNT", RE_KEYS }, { "PING", RE_NONE },
	{ "PSETEX", RE_VALUE }, { "PSUBSCRIBE", RE_SUBSCRIBE }, { "PSYNC", RE_SYNC }, { "PTTL", RE_VALUE }, { "PUBLISH", RE_CHANNEL },
	{ "PUBSUB", RE_NONE }, { "PUNSUBSCRIBE", RE_SUBSCRIBE }, { "QUIT", RE_NONE }, { "RANDOMKEY", RE_NONE }, { "RENAME", RE_KEYS },
	{ "REPLCONF", RE_ACK }, { "RESET", RE_NONE }, { "RESTORE", RE_VALUE }, { "ROLE", RE_NONE }, { "RPOP", RE_VALUE }, { "RPOPLPUSH", RE_KEYS },
	{ "RPUSH", RE_VALUE }, { "RPUSHX", RE_VALUE }, { "SADD", RE_VALUE }, { "SCAN", RE_NONE }, { "SCARD", RE_VALUE }, { "SCRIPT", RE_NONE },
	{ "SDIFF", RE_KEYS }, { "SELECT", RE_NONE }, { "SET", RE_VALUE }, { "SETBIT", RE_VALUE }, { "SETEX", RE_VALUE }, { "SETNX", RE_VALUE },
	{ "SETRANGE", RE_VALUE }, { "SINTER", RE_KEYS }, { "SISMEMBER", RE_VALUE }, { "SLOWLOG", RE_NONE }, { "SMEMBERS", RE_VALUE },
	{ "SMISMEMBER", RE_VALUE }, { "SPOP", RE_VALUE }, { "SPUBLISH", RE_CHANNEL }, { "SRANDMEMBER", RE_VALUE }, { "SREM", RE_VALUE },
	{ "SSCAN", RE_VALUE }, { "SSUBSCRIBE", RE_SUBSCRIBE }, { "STRLEN", RE_VALUE }, { "SUBSCRIBE", RE_SUBSCRIBE }, { "SUNION", RE_KEYS },
	{ "SUNSUBSCRIBE", RE_SUBSCRIBE }, { "SYNC", RE_SYNC }, { "TIME", RE_NONE }, { "TOUCH", RE_KEYS }, { "TTL", RE_VALUE }, { "TYPE", RE_VALUE },
	{ "UNLINK", RE_KEYS }, { "UNSUBSCRIBE", RE_SUBSCRIBE }, { "UNWATCH", RE_NONE }, { "WAIT", RE_NONE }, { "WATCH", RE_KEYS },
	{ "XACK", RE_VALUE }, { "XADD", RE_STREAM }, { "XDEL", RE_VALUE }, { "XLEN", RE_VALUE }, { "XRANGE", RE_STREAMS }, { "XREAD", RE_READ },
	{ "XREADGROUP", RE_READ }, { "XREVRANGE", RE_STREAMS }, { "ZADD", RE_VALUE }, { "ZCARD", RE_VALUE }, { "ZINCRBY", RE_VALUE },
	{ "ZRANGE", RE_VALUE }, { "ZRANGEBYSCORE", RE_VALUE }, { "ZRANK", RE_VALUE }, { "ZREM", RE_VALUE }, { "ZREVRANGE", RE_VALUE },
	{ "ZSCAN", RE_VALUE }, { "ZSCORE", RE_VALUE },
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Its place in the table, which is sorted; NR_COMMANDS: it is none. */
static size_t command_find(struct slice name)
{
	size_t low = 0, high = NR_COMMANDS;

	while (low < high) {
		size_t mid = (low + high) / 2, len = strlen(commands[mid].name);
		int c = strncasecmp((const char *)name.ptr, commands[mid].name, name.len < len ? name.len : len);

		if (!c && name.len == len)
			return mid;
		if (c < 0 || (!c && name.len < len))
			high = mid;
		else
			low = mid + 1;
	}
	return NR_COMMANDS;
}

bool re_is_command(struct slice name)
{
	return command_find(name) < NR_COMMANDS;
}

/* ---- fields ---- */

/* "get.user:{id}:email", or with a name "hset.user:{id}.email"; its key: the name, else the last word of the pattern. */
void re_tell(struct re_state *s, struct exchange *ex, const struct statement *st, const char *route, const char *name, struct slice value,
	     enum dir dir, bool cut)
{
	struct content_job job = { .exchange = ex, .sink = s->sink, .dir = dir, .cut = cut,
				   .location = dir == s->front ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY };
	char path[PATH_SIZE], cleaned[NAME_SIZE] = "";
	struct slice key = name ? slice_of(name, strlen(name)) : (struct slice){ 0 }, pattern;
	struct field f = { .location = job.location, .dir = dir, .path = path, .value = value, .cut = cut };
	size_t n = 0;

	route = route ? route : st->route;
	pattern = slice_of(route, strlen(route));
	if (!value.len || !database_affords(s->sink, ex, value.len, ROW_COST))
		return;
	for (; st->method[n]; n++)
		path[n] = (char)(st->method[n] >= 'A' && st->method[n] <= 'Z' ? st->method[n] + 32 : st->method[n]);
	path[n] = 0;
	if (key.len)
		s->sink->clean(s->sink->owner, cleaned, key);
	if (pattern.len && n + 1 + pattern.len < PATH_SIZE)
		n = path_append(path, path_append(path, n, n ? "." : ""), route);
	if (cleaned[0] && n + 1 + strlen(cleaned) < PATH_SIZE)
		path_append(path, path_append(path, n, "."), cleaned);
	if (!key.len)
		key = route_word(route);
	f.key = key;
	f.parent = name ? pattern : (struct slice){ 0 };
	f.type = (uint8_t)value_text(value).type;
	if (f.type == VALUE_STRING && content_inside(&job, path, key, value))
		return;
	f.text = !key.len;
	s->sink->field(s->sink->owner, ex, &f);
}

void re_tell_key(struct re_state *s, struct exchange *ex, const struct statement *st, const char *key, struct slice value, enum dir dir, bool cut)
{
	char pattern[PATH_SIZE];

	route_key(pattern, slice_of(key, strlen(key)), s->sink);
	re_tell(s, ex, st, pattern, NULL, value, dir, cut);
}

static void pattern_set(struct re_state *s, struct slice key)
{
	struct statement *st = s->statement;

	text_tell(s->sink, s->ex, "key", (struct slice){ 0 }, s->front, LOC_PATH, key);
	if (st->route[0])
		return;
	route_key(st->route, key, s->sink);
	memcpy(s->ex->route, st->route, sizeof(s->ex->route));
}

/* Of what will be answered in that order. */
static void answer_name(struct re_state *s, unsigned place, struct slice name)
{
	struct statement *st = s->statement;

	if (!st->rows)
		st->rows = columns_new(8);
	if (st->rows && place == st->rows->nr && place < COLUMNS_NAMED) {
		struct columns *more = columns_new(place * 4);

		if (more)
			memcpy(more->column, st->rows->column, place * sizeof(more->column[0]));
		if (more)
			columns_free(st->rows);
		st->rows = more ? more : st->rows;
	}
	if (st->rows && place < st->rows->nr)
		raw_name(st->rows->column[place].path, name);
}

/* ---- arguments ---- */

static void begin(struct re_state *s, struct slice name, struct stamp at)
{
	size_t i = command_find(name);

	s->kind = i < NR_COMMANDS ? commands[i].kind : RE_NONE;
	s->pairs = s->client_reply = false;
	s->name[0] = s->word[0] = 0;
	budget_free(s->ex, sizeof(*s->ex));
	statement_put(s->statement);
	s->ex = database_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
	s->statement = statement_new();
	if (!s->ex)
		return;
	s->ex->auth = s->authenticated ? AUTH_DATABASE : AUTH_NONE;
	s->ex->has_gap = s->sides[s->front].after_gap;
	s->sides[s->front].after_gap = false;
	if (i < NR_COMMANDS)
		word_set(s->ex->method, commands[i].name);
	if (s->statement)
		memcpy(s->statement->method, s->ex->method, sizeof(s->ex->method));
}

static void named(struct re_state *s, bool is_name, struct slice v, bool cut)
{
	if (is_name)
		raw_name(s->name, v);
	else
		re_tell(s, s->ex, s->statement, NULL, s->name, v, s->front, cut);
}

static void secret(struct re_state *s, unsigned at, struct slice v)
{
	const struct re_side *side = &s->sides[s->front];

	if (at == 1 && side->depth && side->levels[0].left > 1)	/* of two the first is who */
		named_tell(s->sink, s->ex, "startup", SLICE("user"), s->front, LOC_REQUEST_HEADER, v);
	else
		password_tell(s->sink, s->ex, s->front, v);
}

/* HELLO 3 AUTH user password SETNAME name */
static void hello(struct re_state *s, unsigned at, struct slice v)
{
	if (at == 2 && v.len == 4 && !strncasecmp((const char *)v.ptr, "auth", 4))
		s->pairs = true;
	else if (s->pairs && at == 3)
		named_tell(s->sink, s->ex, "startup", SLICE("user"), s->front, LOC_REQUEST_HEADER, v);
	else if (s->pairs && at == 4)
		password_tell(s->sink, s->ex, s->front, v);
}

static void client(struct re_state *s, unsigned at, struct slice v)
{
	char word[WORD_SIZE] = "";

	if (v.len < sizeof(word))
		memcpy(word, v.ptr, v.len);
	if (at == 1)
		s->client_reply = !strcasecmp(word, "reply");
	else if (at == 2 && s->client_reply)
		memcpy(s->word, word, sizeof(word));
}

static bool is_entry(struct slice v)
{
	return (v.len == 1 && v.ptr[0] == '*') || (v.len > 1 && v.ptr[0] >= '0' && v.ptr[0] <= '9' && memchr(v.ptr, '-', v.len));
}

void re_argument(struct re_state *s, unsigned at, struct slice v, bool cut, struct stamp stamp)
{
	if (!at) {
		begin(s, v, stamp);
		return;
	}
	if (!s->ex || !s->statement)
		return;
	if (cut)
		s->ex->inspected = INSPECTED_PARTIAL;
	switch (s->kind) {
	case RE_AUTH: secret(s, at, v); return;
	case RE_HELLO: hello(s, at, v); return;
	case RE_CLIENT: client(s, at, v); return;
	case RE_MULTI: case RE_EXEC: case RE_DISCARD: case RE_SYNC: case RE_ACK: case RE_MONITOR: return;
	case RE_CONFIG:
		if (at > 1)
			named(s, at % 2 == 0, v, cut);
		return;
	case RE_READ:
		if (s->pairs && !s->statement->route[0])
			pattern_set(s, v);
		s->pairs |= v.len == 7 && !strncasecmp((const char *)v.ptr, "streams", 7);
		return;
	case RE_KEYS: case RE_SUBSCRIBE:
		pattern_set(s, v);
		answer_name(s, at - 1, v);
		return;
	case RE_PAIRS:
		if (at % 2) {
			pattern_set(s, v);
			raw_name(s->name, v);
		} else {
			re_tell_key(s, s->ex, s->statement, s->name, v, s->front, cut);
		}
		return;
	case RE_NONE: case RE_SCRIPT:
		re_tell(s, s->ex, s->statement, NULL, NULL, v, s->front, cut);
		return;
	default:
		break;
	}
	if (at == 1) {
		pattern_set(s, v);
		return;
	}
	switch (s->kind) {
	case RE_HASH: named(s, at % 2 == 0, v, cut); break;
	case RE_NAMES: answer_name(s, at - 2, v); break;
	case RE_STREAM:
		if (s->pairs)
			named(s, !s->name[0], v, cut);
		if (s->pairs && s->told)
			s->name[0] = 0;
		s->told = s->pairs && s->name[0];
		s->pairs |= is_entry(v);
		break;
	default: re_tell(s, s->ex, s->statement, NULL, NULL, v, s->front, cut); break;
	}
}

/* ---- the end of it ---- */

/* Will it be answered? */
static bool answered(struct re_state *s)
{
	bool silent = s->silent || s->skip;

	s->skip = s->client_reply && !strcasecmp(s->word, "skip");
	if (s->client_reply)
		silent = s->silent = s->skip ? s->silent : !strcasecmp(s->word, "off");
	return !silent && !s->skip && s->kind != RE_ACK && s->kind != RE_SYNC;
}

void re_command(struct re_state *s, uint64_t bytes, struct stamp at)
{
	struct exchange *ex = s->ex;
	struct statement *st = s->statement;
	struct re_item *item;

	s->ex = NULL;
	s->statement = NULL;
	if (s->kind == RE_SYNC)
		s->replicates = true;
	s->subscribed |= s->kind == RE_SUBSCRIBE;
	if (!ex || !st) {
		budget_free(ex, sizeof(*ex));
		ring_fold(&s->items, (struct owed){ NULL, st, 0, 0, false });
		return;
	}
	ex->request_bytes = bytes;
	if (!answered(s)) {
		database_emit(s->session, ex, at);
		statement_put(st);
		return;
	}
	item = ring_push(&s->items, (struct owed){ ex, st, at.time, 0, false });
	if (!item)
		return;
	item->kind = s->kind;
	item->secret = s->kind == RE_AUTH || (s->kind == RE_HELLO && s->pairs);
}
