/* SPDX-License-Identifier: Apache-2.0 */
/* stories.h - what a leaf of the ledger tells of its findings, one by one, as policy/ can judge it
 * again. Shared by `weir policy explain` and `weir policy replay`; private to cli/. */
#ifndef WEIR_CLI_STORIES_H
#define WEIR_CLI_STORIES_H
#include "cli/query.h"
#include "policy/policy.h"

#define STORIES_NAMES \
	"given, withheld, type, leaf, id, rule, time, class, data, confidence, evidence, path, mask, workload, role, peer, zone, protocol, route, exchanges"
/* SELECT of one row a finding, from a table d(doc, leaf): the columns of enum story_column. */
extern const char stories_sql[];
enum story_column {
	STORY_GIVEN,	/* facts as a test's "given" has them */
	STORY_WITHHELD,	/* those that such a leaf does not keep */
	STORY_TYPE, STORY_LEAF, STORY_ID, STORY_RULE, STORY_TIME,	/* id and rule: of a violation */
	STORY_CLASS, STORY_DATA, STORY_CONFIDENCE, STORY_EVIDENCE, STORY_PATH, STORY_MASK,
	STORY_WORKLOAD, STORY_ROLE, STORY_PEER, STORY_ZONE, STORY_PROTOCOL, STORY_ROUTE, STORY_EXCHANGES,
	STORY_COLUMNS
};
#endif
