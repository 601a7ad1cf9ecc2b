/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - command lines and replies of three digits, as SMTP and FTP have them (RFC 5321, 4.2;
 * RFC 959, 4.2). Private to protocol/. */
#ifndef WEIR_LINE_H
#define WEIR_LINE_H
#include <string.h>
#include <strings.h>
#include "model/payload.h"

/* With its line end; 0: that is not there. */
static inline size_t line_whole(struct slice in)
{
	const uint8_t *nl = in.len ? memchr(in.ptr, '\n', in.len) : NULL;

	return nl ? (size_t)(nl - in.ptr) + 1 : 0;
}

static inline struct slice line_trim(struct slice s)
{
	while (s.len && (s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == ' '))
		s.len--;
	while (s.len && s.ptr[0] == ' ')
		s = slice_of(s.ptr + 1, s.len - 1);
	return s;
}

/* Does it begin with that word, in any case of letters, and does the word end there? An empty rest is fine. */
static inline bool line_is(struct slice line, const char *word, struct slice *rest)
{
	size_t n = strlen(word);

	if (line.len < n || strncasecmp((const char *)line.ptr, word, n))
		return false;
	if (line.len > n && word[n - 1] != ':' && !strchr(" \r\n", line.ptr[n]))
		return false;
	*rest = line_trim(slice_of(line.ptr + n, line.len - n));
	return true;
}

/* 100..599, or 0: no reply begins so. more: lines of it follow. */
static inline unsigned line_reply(struct slice line, bool *more)
{
	if (line.len < 4 || line.ptr[0] < '1' || line.ptr[0] > '5')
		return 0;
	for (int i = 1; i < 3; i++)
		if (line.ptr[i] < '0' || line.ptr[i] > '9')
			return 0;
	if (!line.ptr[3] || !strchr(" -\r\n", line.ptr[3]))
		return 0;
	*more = line.ptr[3] == '-';
	return (line.ptr[0] - '0') * 100u + (line.ptr[1] - '0') * 10u + (line.ptr[2] - '0');
}
#endif
