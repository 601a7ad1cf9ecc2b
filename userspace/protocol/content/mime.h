/* SPDX-License-Identifier: Apache-2.0 */
/* mime.h - what mails and the parts of forms have in common (RFC 5322, 2045, 2047): header lines,
 * transfer encodings, words in other alphabets. */
#ifndef WEIR_MIME_H
#define WEIR_MIME_H
#include "model/payload.h"

enum transfer { TRANSFER_PLAIN, TRANSFER_BASE64, TRANSFER_QUOTED };

/* Takes the next header off the front, with the lines that continue it; value is trimmed, the line
 * ends inside stay. False: the empty line before the body, which is taken too, or an end without it. */
bool mime_header(struct slice *left, struct slice *name, struct slice *value);
enum transfer mime_transfer(struct slice encoding);	/* the value of Content-Transfer-Encoding */
/* Never longer than the body, for which out has room. TRANSFER_PLAIN is no case of it. */
size_t mime_decode(enum transfer, uint8_t *out, struct slice body);
/* A header's value with its encoded words and continued lines as one text in UTF-8; words of other
 * character sets than UTF-8, ASCII and Latin-1 stay. out has room for twice the value. */
size_t mime_words(uint8_t *out, struct slice value);
#endif
