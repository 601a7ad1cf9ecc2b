/* SPDX-License-Identifier: Apache-2.0 */
/* office.c - documents that are named and not opened: PDF, and what office programs write (archives,
 * and the format before). Whatever the media type says, so begins nothing else. */
#include "protocol/content/media.h"
#include "protocol/content.h"

static int match(struct slice essence, struct slice head)
{
	return begins(head, "%PDF-") || begins(head, "PK\3\4") || begins(head, "PK\5\6") || begins(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") ?
	       100 : 0;
}

static void decode(struct content_job *job, struct slice body)
{
	job->unread = true;
}

const struct content content_office = {
	.name = "office", .summary = "PDF and office files: named, not opened", .match = match, .decode = decode,
};
