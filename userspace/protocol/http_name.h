/* SPDX-License-Identifier: Apache-2.0 */
/* http_name.h - the names of headers that mean something to weir; most mean nothing. Private to protocol/. */
#ifndef WEIR_HTTP_NAME_H
#define WEIR_HTTP_NAME_H
#include "model/payload.h"

/* In lower case, with their first letter. */
#define HTTP_NAMES(X) \
	X(AUTHORIZATION, 'a', "authorization") \
	X(CONTENT_ENCODING, 'c', "content-encoding") \
	X(CONTENT_LENGTH, 'c', "content-length") \
	X(CONTENT_RANGE, 'c', "content-range") \
	X(CONTENT_TYPE, 'c', "content-type") \
	X(COOKIE, 'c', "cookie") \
	X(GRPC_ENCODING, 'g', "grpc-encoding") \
	X(GRPC_STATUS, 'g', "grpc-status") \
	X(HOST, 'h', "host") \
	X(SEC_WEBSOCKET_EXTENSIONS, 's', "sec-websocket-extensions") \
	X(SET_COOKIE, 's', "set-cookie") \
	X(TRANSFER_ENCODING, 't', "transfer-encoding") \
	X(UPGRADE, 'u', "upgrade") \
	X(X_AMZ_BUCKET_REGION, 'x', "x-amz-bucket-region") \
	X(X_AMZ_CONTENT_SHA256, 'x', "x-amz-content-sha256") \
	X(X_AMZ_ID_2, 'x', "x-amz-id-2")

enum http_name {
	HTTP_OTHER,
#define X(id, first, text) HTTP_##id,
	HTTP_NAMES(X)
#undef X
};

#define HTTP_NAME_MAX 64	/* bytes of a name that are kept */

/* The name in lower case, as much of it as is kept, and which one it is. Of its room, bytes that may be read, 16 are enough
 * for most; behind the name lower is not defined. */
enum http_name http_name_read(struct slice name, size_t room, uint8_t lower[HTTP_NAME_MAX]);
#endif
