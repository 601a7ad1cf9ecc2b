/* SPDX-License-Identifier: Apache-2.0 */
/* severity.c - the words of enum severity. */
#include <string.h>

#include "model/flow.h"

static const char *const words[] = { "info", "low", "medium", "high", "critical" };

const char *severity_name(unsigned severity)
{
	return severity < sizeof(words) / sizeof(words[0]) ? words[severity] : "unknown";
}

int severity_parse(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}
