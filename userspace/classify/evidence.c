/* SPDX-License-Identifier: Apache-2.0 */
/* The weights are those of classify.md 5: an exact key adds 45, an ambiguous one
 * 15, a contradicting word takes 40, an object that fits adds 15. */
#include "classify/evidence.h"

#include <string.h>

#include "classify/assign.h"
#include "classify/bytes.h"
#include "model/class_rules.h"

#define SCORE_WORD	30	/* below, a hit is noise and not reported */
#define SCORE_LIKELY	50
#define SCORE_CERTAIN	80
#define BARE_SHAPE	30	/* value evidence below this needs a key, and cannot become certain */
#define AGAINST_COST	40
#define OBJECT_GAIN	15
#define PROSE_WINDOW	48	/* bytes before a value in which a word may name it */
#define PROSE_FAR	30	/* a word further away in the window */

void surroundings_init(struct surroundings *s, const struct evidence *ev)
{
	key_text_init(&s->key, ev->parent, ev->key);
	s->has_key = s->key.len > 0;
	s->type = ev->type;
	s->words_of = s->name_of = 0;
}

void surroundings_wipe(struct surroundings *s)
{
	explicit_bzero(&s->key, sizeof(s->key));
	if (s->words_of)
		explicit_bzero(&s->words, sizeof(s->words));
	if (s->name_of)
		explicit_bzero(&s->name, sizeof(s->name));
}

/* The words before start. */
static const struct key_text *words_of(struct surroundings *s, struct slice value, size_t start)
{
	if (s->words_of != start)
		key_text_prose(&s->words, prose_before(value, start));
	s->words_of = start;
	return &s->words;
}

struct slice prose_window(struct slice value, size_t start)
{
	size_t len = start < PROSE_WINDOW ? start : PROSE_WINDOW;

	return (struct slice){ value.ptr + start - len, len };
}

/* The words before start that may name the value: same line, and nothing between
 * that ends a thought or is a value itself. */
struct slice prose_before(struct slice value, size_t start)
{
	static const struct specials ends_thought = { 7, { '\n', ',', ';', '&', '{', '}', '|' } };
	size_t len = start < PROSE_WINDOW ? start : PROSE_WINDOW, from = start - len, tag = assign_tag(value, start);
	struct kinds k = kinds_of(&ends_thought, value.ptr + from, len);
	uint64_t ends = k.specials | (k.digits & k.digits >> 1 & k.digits >> 2 & k.digits >> 3);

	if (tag < start)
		return (struct slice){ value.ptr + tag, start - tag };
	if (ends)
		from += 64 - (size_t)__builtin_clzll(ends);
	/* A word cut by the window is no word. */
	else if (from)
		while (from < start && is_alnum(value.ptr[from]))
			from++;
	return (struct slice){ value.ptr + from, start - from };
}

/* The name in `order_id=4532…` or `"order_id": "4532…`, right before start. */
static bool assigned_name(struct slice value, size_t start, struct key_text *key)
{
	size_t end = start, from;

	for (unsigned n = 0; n < 3 && end && strchr("\"'\\ ", value.ptr[end - 1]) && value.ptr[end - 1]; n++)
		end--;
	if (!end || (value.ptr[end - 1] != '=' && value.ptr[end - 1] != ':'))
		return false;
	end--;
	for (unsigned n = 0; n < 2 && end && (value.ptr[end - 1] == '"' || value.ptr[end - 1] == '\''); n++)
		end--;
	for (from = end; from && end - from < PROSE_WINDOW && (is_alnum(value.ptr[from - 1]) || value.ptr[from - 1] == '_' ||
							       value.ptr[from - 1] == '-' || value.ptr[from - 1] == '.'); from--)
		;
	key_text_init(key, (struct slice){ NULL, 0 }, (struct slice){ value.ptr + from, end - from });
	return key->len > 0;
}

static const struct key_text *name_of(struct surroundings *s, struct slice value, size_t start)
{
	if (s->name_of != start)
		s->has_name = assigned_name(value, start, &s->name);
	s->name_of = start;
	return s->has_name ? &s->name : NULL;
}

/* What names the hit: the name right before it in the value, else the field's key. */
static struct key_verdict hit_key(struct surroundings *s, const struct class_row *row, struct slice value,
				  size_t start)
{
	struct key_verdict v = { 0 };
	const struct key_text *name = start && evidence_level >= EVIDENCE_KEY ? name_of(s, value, start) : NULL;

	if (name) {
		v = key_judge(name, row);
		if (v.support || v.against)
			return v;
	}
	return s->has_key ? key_judge(&s->key, row) : v;
}

static int prose_support(struct surroundings *s, const struct class_row *row, struct slice value, size_t start)
{
	struct key_verdict v;

	if (!start || evidence_level < EVIDENCE_KEY)
		return 0;
	v = key_judge(words_of(s, value, start), row);
	if (v.support <= KEY_WEAK)
		return v.after ? 0 : v.support;
	return v.after <= 2 ? v.support : PROSE_FAR;
}

/* A bare number with a word for things before it ("order 4532…"), or that is a segment of a path: somebody's name for
 * something. In digits that are grouped as on a card, or where a name says the class, that does not count. */
static bool names_thing(struct surroundings *s, const struct class_row *row, struct slice value, const struct hit *hit)
{
	if (!(row->against & AGAINST_NUMBER) || !hit->start || evidence_level < EVIDENCE_KEY)
		return false;
	for (size_t i = hit->start; i < hit->end; i++)
		if (!is_digit(value.ptr[i]))
			return false;
	if (value.ptr[hit->start - 1] == '/' && hit->start > 1 && is_alnum(value.ptr[hit->start - 2]))
		return true;
	return key_ends_numbering(words_of(s, value, hit->start));
}

/* Names, addresses, ages, diseases: of a person only beside something that is a person's, or in an object that is one. */
static bool is_doubted(const struct class_row *row)
{
	return row->info.tier == 3 && row->info.group != GROUP_SECRET && row->info.group != GROUP_CONFIDENTIAL;
}

int evidence_score(struct surroundings *s, const struct class_row *row, struct slice value,
		   struct hit *hit, int value_says)
{
	struct key_verdict v = hit_key(s, row, value, hit->start);
	int support = v.against ? 0 : v.support, score;

	if (support < KEY_EXACT && !v.against) {
		int prose = prose_support(s, row, value, hit->start);

		support = prose > support ? prose : support;
	}
	hit->why = (uint8_t)((value_says >= SCORE_LIKELY ? WHY_VALUE : 0) | (support >= KEY_EXACT ? WHY_KEY : 0));
	if (value_says < BARE_SHAPE && !support)
		return 0;
	/* A key-driven class has nothing left when the key contradicts itself. */
	if (row->info.tier == 3 && v.against)
		return 0;
	score = value_says + support - (v.against || (!support && names_thing(s, row, value, hit)) ? AGAINST_COST : 0);
	if (v.object || (s->key.person && support && (row->info.group == GROUP_PII || is_doubted(row)))) {
		score += OBJECT_GAIN;
		hit->why |= WHY_OBJECT;
	}
	return score;
}

int evidence_confidence(const struct class_row *row, const struct hit *hit, int score, int value_says)
{
	if (is_doubted(row) && !(hit->why & (WHY_KEY | WHY_OBJECT)))
		return score >= SCORE_WORD ? CONF_POSSIBLE : 0;
	if (score >= SCORE_CERTAIN && value_says >= BARE_SHAPE && (!is_doubted(row) || (hit->why & WHY_OBJECT)))
		return CONF_CERTAIN;
	if (score >= SCORE_LIKELY)
		return CONF_LIKELY;
	return score >= SCORE_WORD ? CONF_POSSIBLE : 0;
}

bool evidence_allows(const struct evidence *ev, const struct class_row *row)
{
	struct surroundings s UNINITIALIZED;
	bool allows;

	surroundings_init(&s, ev);
	allows = !s.has_key || (!key_judge(&s.key, row).against && !key_numbers(&s.key));
	surroundings_wipe(&s);
	return allows;
}

bool evidence_is_person(const struct class_row *row, uint8_t confidence, uint8_t why)
{
	unsigned group = row->info.group;

	if (row->user && row->user->nr_with)	/* whether it stands is not known before that of others is */
		return false;
	return confidence >= CONF_LIKELY && !row->thing && (group <= GROUP_PCI) && (row->info.tier < 3 || (why & WHY_KEY));
}

uint8_t evidence_field(const struct class_row *row, uint8_t confidence, uint8_t *why, enum field_says says)
{
	bool named = *why & WHY_KEY;

	if (row->user)	/* its policy says what it is worth */
		return confidence;
	switch (says) {
	case FIELD_SILENT:
		break;
	case FIELD_NOISE:
		if (!named && row->info.tier < 3)
			return CONF_POSSIBLE;
		break;
	case FIELD_CHANCE:
		if (row->info.tier < 3 && (!named || row->info.tier == 2))
			return CONF_POSSIBLE;
		break;
	case FIELD_LIKELY:
	case FIELD_CERTAIN:
		if (row->info.tier == 3 ? !named || says == FIELD_LIKELY : confidence == CONF_POSSIBLE && row->info.tier == 2)
			break;
		*why |= WHY_RECORDS;
		if (says == FIELD_CERTAIN && confidence < CONF_CERTAIN)
			confidence++;
		break;
	case FIELD_CONSTANT:
		if (row->info.tier > 1 && row->info.group != GROUP_SECRET && !(*why & WHY_OBJECT) && (!named || row->info.tier == 3))
			return CONF_POSSIBLE;
		break;
	}
	return confidence;
}

uint8_t evidence_beside(const struct class_row *row, uint8_t confidence, uint8_t *why)
{
	if (evidence_level < EVIDENCE_OBJECT || row->user || !is_doubted(row) || (*why & WHY_OBJECT))
		return confidence;
	*why |= WHY_SIBLING;
	return (uint8_t)(confidence + (confidence < CONF_CERTAIN));
}
