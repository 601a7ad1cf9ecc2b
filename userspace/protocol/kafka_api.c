/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_api.c - the requests of Kafka's protocol, and what the small ones tell: who logs in, what
 * topics are called, what failed. */
#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/kafka.h"
#include "protocol/sasl.h"

#define NEVER 255
#define TAGS_MAX 64

static const struct kafka_api apis[KAFKA_APIS] = {
	[0] = { "Produce", 13, 9, ERROR_NONE, 0 },
	[1] = { "Fetch", 17, 12, ERROR_NONE, 0 },
	[2] = { "ListOffsets", 11, 6, ERROR_NONE, 0 },
	[3] = { "Metadata", 13, 9, ERROR_NONE, 0 },
	[4] = { "LeaderAndIsr", 7, 4, ERROR_FIRST, 0 },
	[5] = { "StopReplica", 4, 2, ERROR_FIRST, 0 },
	[6] = { "UpdateMetadata", 8, 6, ERROR_FIRST, 0 },
	[7] = { "Shutdown", 3, 3, ERROR_FIRST, 0 },
	[8] = { "OffsetCommit", 10, 8, ERROR_NONE, 0 },
	[9] = { "OffsetFetch", 10, 6, ERROR_NONE, 0 },
	[10] = { "FindCoordinator", 6, 3, ERROR_NONE, 0 },
	[11] = { "JoinGroup", 9, 6, ERROR_BEHIND_TIME, 2 },
	[12] = { "Heartbeat", 4, 4, ERROR_BEHIND_TIME, 1 },
	[13] = { "LeaveGroup", 5, 4, ERROR_BEHIND_TIME, 1 },
	[14] = { "SyncGroup", 5, 4, ERROR_BEHIND_TIME, 1 },
	[15] = { "DescribeGroups", 6, 5, ERROR_NONE, 0 },
	[16] = { "ListGroups", 5, 3, ERROR_BEHIND_TIME, 1 },
	[17] = { "SaslHandshake", 1, NEVER, ERROR_FIRST, 0 },
	[18] = { "ApiVersions", 4, 3, ERROR_FIRST, 0 },
	[19] = { "CreateTopics", 7, 5, ERROR_NONE, 0 },
	[20] = { "DeleteTopics", 6, 4, ERROR_NONE, 0 },
	[21] = { "DeleteRecords", 2, 2, ERROR_NONE, 0 },
	[22] = { "InitProducerId", 6, 2, ERROR_BEHIND_TIME, 0 },
	[23] = { "OffsetForEpoch", 4, 4, ERROR_NONE, 0 },
	[24] = { "AddPartitions", 5, 3, ERROR_NONE, 0 },
	[25] = { "AddOffsets", 4, 3, ERROR_BEHIND_TIME, 0 },
	[26] = { "EndTxn", 5, 3, ERROR_BEHIND_TIME, 0 },
	[27] = { "WriteTxnMarkers", 1, 1, ERROR_NONE, 0 },
	[28] = { "TxnOffsetCommit", 5, 3, ERROR_NONE, 0 },
	[29] = { "DescribeAcls", 3, 2, ERROR_BEHIND_TIME, 0 },
	[30] = { "CreateAcls", 3, 2, ERROR_NONE, 0 },
	[31] = { "DeleteAcls", 3, 2, ERROR_NONE, 0 },
	[32] = { "DescribeConfigs", 4, 4, ERROR_NONE, 0 },
	[33] = { "AlterConfigs", 2, 2, ERROR_NONE, 0 },
	[34] = { "AlterLogDirs", 2, 2, ERROR_NONE, 0 },
	[35] = { "DescribeLogDirs", 4, 2, ERROR_NONE, 0 },
	[36] = { "SaslAuthenticate", 2, 2, ERROR_FIRST, 0 },
	[37] = { "CreatePartitions", 3, 2, ERROR_NONE, 0 },
	[38] = { "CreateToken", 3, 2, ERROR_FIRST, 0 },
	[39] = { "RenewToken", 2, 2, ERROR_FIRST, 0 },
	[40] = { "ExpireToken", 2, 2, ERROR_FIRST, 0 },
	[41] = { "DescribeToken", 3, 2, ERROR_FIRST, 0 },
	[42] = { "DeleteGroups", 2, 2, ERROR_NONE, 0 },
	[43] = { "ElectLeaders", 2, 2, ERROR_NONE, 0 },
	[44] = { "ChangeConfigs", 1, 1, ERROR_NONE, 0 },
	[45] = { "MovePartitions", 1, 0, ERROR_BEHIND_TIME, 0 },
	[46] = { "ListMoves", 0, 0, ERROR_BEHIND_TIME, 0 },
	[47] = { "OffsetDelete", 0, NEVER, ERROR_FIRST, 0 },
	[48] = { "DescribeQuotas", 1, 1, ERROR_BEHIND_TIME, 0 },
	[49] = { "AlterQuotas", 1, 1, ERROR_NONE, 0 },
	[50] = { "DescribeScram", 0, 0, ERROR_BEHIND_TIME, 0 },
	[51] = { "AlterScram", 0, 0, ERROR_NONE, 0 },
	[55] = { "DescribeQuorum", 2, 0, ERROR_FIRST, 0 },
	[60] = { "DescribeCluster", 2, 0, ERROR_BEHIND_TIME, 0 },
	[61] = { "DescribeProduce", 0, 0, ERROR_NONE, 0 },
	[65] = { "DescribeTxn", 0, 0, ERROR_NONE, 0 },
	[66] = { "ListTxn", 1, 0, ERROR_BEHIND_TIME, 0 },
	[68] = { "GroupHeartbeat", 1, 0, ERROR_BEHIND_TIME, 0 },
	[69] = { "DescribeGroup", 1, 0, ERROR_NONE, 0 },
	[71] = { "GetTelemetry", 0, 0, ERROR_BEHIND_TIME, 0 },
	[75] = { "DescribeTopics", 0, 0, ERROR_NONE, 0 },
};

const struct kafka_api *kafka_api(uint16_t key)
{
	return key < KAFKA_APIS && apis[key].name ? &apis[key] : NULL;
}

void kafka_method(char method[WORD_SIZE], uint16_t key)
{
	const struct kafka_api *api = kafka_api(key);

	if (api)
		word_set(method, api->name);
	else
		snprintf(method, WORD_SIZE, "Api%u", key);
}

/* Its error codes in HTTP's numbers, which policies know. */
uint16_t kafka_status(uint16_t error)
{
	static const struct { int16_t error; uint16_t status; } rows[] = {
		{ 0, 200 }, { 1, 416 }, { 3, 404 }, { 5, 503 }, { 6, 503 }, { 7, 504 }, { 8, 503 }, { 9, 503 }, { 10, 413 }, { 14, 503 },
		{ 15, 503 }, { 16, 503 }, { 18, 413 }, { 19, 503 }, { 20, 503 }, { 29, 403 }, { 30, 403 }, { 31, 403 }, { 36, 409 },
		{ 41, 503 }, { 53, 403 }, { 56, 500 }, { 58, 401 }, { 65, 403 }, { 66, 401 }, { 69, 404 }, { 89, 429 }, { 91, 404 },
		{ 100, 404 }, { -1, 500 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((uint16_t)rows[i].error == error)
			return rows[i].status;
	return 400;
}

/* ---- parts of messages ---- */

/* UINT32_MAX: none, which is not the same as no items. */
uint32_t kafka_count(struct reader *r, bool flexible)
{
	uint64_t n = flexible ? reader_varint(r) : reader_number(r, 4) + 1ull;

	if (n > UINT32_MAX)	/* -1 */
		n = flexible ? n : 0;
	if (n > (uint64_t)INT32_MAX + 1) {
		r->failed = true;
		return UINT32_MAX;
	}
	return (uint32_t)n - 1;
}

static struct slice counted(struct reader *r, uint64_t count)
{
	return count ? reader_take(r, count - 1) : (struct slice){ 0 };
}

struct slice kafka_string(struct reader *r, bool flexible)
{
	return counted(r, flexible ? reader_varint(r) : (reader_number(r, 2) + 1) & 0xffff);
}

struct slice kafka_bytes(struct reader *r, bool flexible)
{
	return counted(r, flexible ? reader_varint(r) : (uint32_t)(reader_number(r, 4) + 1));
}

void kafka_tags(struct reader *r, bool flexible)
{
	uint64_t nr = flexible ? reader_varint(r) : 0;

	if (nr > TAGS_MAX)	/* what is read again when more comes must be short */
		r->failed = true;
	for (; nr && !r->failed; nr--) {
		reader_varint(r);
		reader_take(r, reader_varint(r));
	}
}

/* ---- topics ---- */

static const char *id_find(const struct kafka_ids *ids, const uint8_t id[16])
{
	for (unsigned i = 0; ids && i < ids->nr; i++)
		if (!memcmp(ids->id[i].id, id, 16))
			return ids->id[i].name;
	return NULL;
}

static void id_learn(struct kafka_state *s, const uint8_t id[16], const char *name)
{
	static const uint8_t none[16];
	struct kafka_id *one;

	if (!name[0] || !memcmp(id, none, sizeof(none)) || id_find(s->ids, id))
		return;
	if (!s->ids && !(s->ids = budget_alloc(sizeof(*s->ids))))
		return;
	one = &s->ids->id[s->ids->next];
	s->ids->next = (s->ids->next + 1) % KAFKA_IDS;
	s->ids->nr += s->ids->nr < KAFKA_IDS;
	memcpy(one->id, id, sizeof(one->id));
	memcpy(one->name, name, strlen(name) + 1);
}

void kafka_topic(struct kafka_state *s, struct reader *r, bool id, bool flexible, char name[NAME_SIZE])
{
	struct slice raw = id ? reader_take(r, 16) : kafka_string(r, flexible);
	const char *known = id && raw.len ? id_find(s->ids, raw.ptr) : NULL;

	if (!id)
		s->sink->clean(s->sink->owner, name, raw);
	else
		snprintf(name, NAME_SIZE, "%s", known ? known : "{id}");
}

/* Each once, joined. */
void kafka_route(struct exchange *ex, const char *topic, uint8_t *told)
{
	size_t len, n = strlen(topic);

	if (!ex || !n || *told == KAFKA_TOPICS)
		return;
	if (!*told)
		ex->route[0] = 0;	/* of a response, which knows better than its request */
	len = strlen(ex->route);
	for (const char *at = ex->route; (at = strstr(at, topic)); at++)
		if ((at == ex->route || at[-1] == '+') && (!at[n] || at[n] == '+'))
			return;
	if (n + (len > 0) >= PATH_SIZE - len)
		return;
	snprintf(ex->route + len, PATH_SIZE - len, "%s%s", len ? "+" : "", topic);
	++*told;
}

/* ---- requests ---- */

static void fetch_request(struct kafka_state *s, struct kafka_message *m, struct reader *r)
{
	unsigned v = m->version;
	uint32_t topics;

	reader_take(r, (v <= 14 ? 4 : 0) + 8 + (v >= 3 ? 4 : 0) + (v >= 4 ? 1 : 0) + (v >= 7 ? 8 : 0));
	topics = kafka_count(r, m->flexible);
	for (uint32_t t = 0; t < topics && topics != UINT32_MAX && !r->failed; t++) {
		char name[NAME_SIZE];
		uint32_t partitions;

		kafka_topic(s, r, v >= 13, m->flexible, name);
		partitions = kafka_count(r, m->flexible);
		if (r->failed)
			break;
		kafka_route(m->ex, name, &m->topics_told);
		for (uint32_t p = 0; p < partitions && partitions != UINT32_MAX && !r->failed; p++) {
			reader_take(r, 4 + (v >= 9 ? 4 : 0) + 8 + (v >= 12 ? 4 : 0) + (v >= 5 ? 8 : 0) + 4);
			kafka_tags(r, m->flexible);
		}
		kafka_tags(r, m->flexible);
	}
}

void kafka_token(struct kafka_state *s, struct exchange *ex, enum dir dir, struct slice token)
{
	sasl_tell(s->sink, ex, dir, slice_of(s->mechanism, strlen(s->mechanism)), token);
}

static void handshake(struct kafka_state *s, struct kafka_message *m, struct reader *r)
{
	struct slice mechanism = kafka_string(r, false);

	if (r->failed)
		return;
	snprintf(s->mechanism, sizeof(s->mechanism), "%.*s", (int)mechanism.len, (const char *)mechanism.ptr);
	s->auth_asked = (uint8_t)sasl_auth(mechanism);
	s->tokens = m->version == 0;
	if (m->ex)
		s->sink->clean(s->sink->owner, m->ex->route, mechanism);
}

bool kafka_is_read(const struct kafka_message *m)
{
	const struct kafka_api *api = m->known ? kafka_api(m->api) : NULL;

	if (!m->response)
		return m->known && (m->api == KAFKA_FETCH || m->api == KAFKA_HANDSHAKE || m->api == KAFKA_AUTHENTICATE);
	return api && (api->error != ERROR_NONE || m->api == KAFKA_PRODUCE || m->api == KAFKA_METADATA);
}

void kafka_request(struct kafka_state *s, struct kafka_message *m, enum dir dir, struct slice body)
{
	struct reader r = { body, false };

	kafka_tags(&r, m->flexible);
	if (m->api == KAFKA_FETCH) {
		fetch_request(s, m, &r);
	} else if (m->api == KAFKA_HANDSHAKE) {
		handshake(s, m, &r);
	} else if (m->api == KAFKA_AUTHENTICATE && m->ex) {
		m->ex->auth = s->auth_asked;
		kafka_token(s, m->ex, dir, kafka_bytes(&r, m->flexible));
	}
}

/* ---- responses ---- */

static void produce_response(struct kafka_message *m, struct reader *r)
{
	unsigned v = m->version;
	uint32_t topics = kafka_count(r, m->flexible);

	for (uint32_t t = 0; t < topics && topics != UINT32_MAX && !r->failed; t++) {
		uint32_t partitions;

		if (v >= 13)
			reader_take(r, 16);
		else
			kafka_string(r, m->flexible);
		partitions = kafka_count(r, m->flexible);
		for (uint32_t p = 0; p < partitions && partitions != UINT32_MAX && !r->failed; p++) {
			uint16_t error;
			uint32_t details;

			reader_take(r, 4);
			error = (uint16_t)reader_number(r, 2);
			m->error = m->error || r->failed ? m->error : error;
			reader_take(r, 8 + (v >= 2 ? 8 : 0) + (v >= 5 ? 8 : 0));
			details = v >= 8 ? kafka_count(r, m->flexible) : 0;
			for (uint32_t i = 0; i < details && details != UINT32_MAX && !r->failed; i++) {
				reader_take(r, 4);
				kafka_string(r, m->flexible);
				kafka_tags(r, m->flexible);
			}
			if (v >= 8)
				kafka_string(r, m->flexible);
			kafka_tags(r, m->flexible);
		}
		kafka_tags(r, m->flexible);
	}
}

static void skip_numbers(struct reader *r, bool flexible)
{
	uint32_t nr = kafka_count(r, flexible);

	if (nr != UINT32_MAX)
		reader_take(r, 4ull * nr);
}

static void metadata_topic(struct kafka_state *s, const struct kafka_message *m, struct reader *r)
{
	static const uint8_t none[16];
	unsigned v = m->version;
	struct slice name, id;
	char clean[NAME_SIZE];
	uint32_t partitions;

	reader_take(r, 2);
	name = kafka_string(r, m->flexible);
	id = v >= 10 ? reader_take(r, 16) : slice_of(none, sizeof(none));
	reader_take(r, v >= 1 ? 1 : 0);
	partitions = kafka_count(r, m->flexible);
	if (r->failed)
		return;
	s->sink->clean(s->sink->owner, clean, name);
	id_learn(s, id.ptr, clean);
	for (uint32_t p = 0; p < partitions && partitions != UINT32_MAX && !r->failed; p++) {
		reader_take(r, 2 + 4 + 4 + (v >= 7 ? 4 : 0));
		skip_numbers(r, m->flexible);
		skip_numbers(r, m->flexible);
		if (v >= 5)
			skip_numbers(r, m->flexible);
		kafka_tags(r, m->flexible);
	}
	reader_take(r, v >= 8 ? 4 : 0);
	kafka_tags(r, m->flexible);
}

static void metadata_response(struct kafka_state *s, struct kafka_message *m, struct reader *r)
{
	unsigned v = m->version;
	uint32_t brokers, topics;

	reader_take(r, v >= 3 ? 4 : 0);
	brokers = kafka_count(r, m->flexible);
	for (uint32_t b = 0; b < brokers && brokers != UINT32_MAX && !r->failed; b++) {
		reader_take(r, 4);
		kafka_string(r, m->flexible);
		reader_take(r, 4);
		if (v >= 1)
			kafka_string(r, m->flexible);
		kafka_tags(r, m->flexible);
	}
	if (v >= 2)
		kafka_string(r, m->flexible);
	reader_take(r, v >= 1 ? 4 : 0);
	topics = kafka_count(r, m->flexible);
	for (uint32_t t = 0; t < topics && topics != UINT32_MAX && !r->failed; t++)
		metadata_topic(s, m, r);
}

void kafka_response(struct kafka_state *s, struct kafka_message *m, struct slice body)
{
	const struct kafka_api *api = kafka_api(m->api);
	struct reader r = { body, false };
	uint16_t error;

	if (m->api != KAFKA_VERSIONS)	/* whose answer must be readable to whoever knows no version of it */
		kafka_tags(&r, m->flexible);
	if (m->api == KAFKA_PRODUCE)
		produce_response(m, &r);
	if (m->api == KAFKA_METADATA)
		metadata_response(s, m, &r);
	if (api->error == ERROR_NONE)
		return;
	if (api->error == ERROR_BEHIND_TIME && m->version >= api->time_from)
		reader_take(&r, 4);
	error = (uint16_t)reader_number(&r, 2);
	if (!r.failed)
		m->error = error;
	if (m->api == KAFKA_AUTHENTICATE && !r.failed && !error)
		s->auth = s->auth_asked;
}
