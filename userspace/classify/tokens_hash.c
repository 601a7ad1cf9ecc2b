/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_hash.c - hashes of passwords as systems and frameworks store them: whoever has one can guess at leisure. */
#include "classify/tokens.h"

/* "{SSHA}": of the brace that opens it nothing begins, as it is a common byte. */
#define B(scheme, of, min_, max_) T(scheme, of, min_, max_, .back = OF_OPEN, .back_min = 1, .back_max = 1)

TOKEN_CLASS(class_password_hash, "password_hash", "hash of a password", KEYS(K("passwordhash"), K("hash"), K("shadow"), W("password")),
	F("$2a$", "d2$c53"), F("$2b$", "d2$c53"), F("$2y$", "d2$c53"), F("$2x$", "d2$c53"), T("$argon2id$", OF_CRYPT, 40, 200),
	T("$argon2i$", OF_CRYPT, 40, 200), T("$argon2d$", OF_CRYPT, 40, 200), T("$6$", OF_CRYPT, 88, 130), T("$5$", OF_CRYPT, 45, 90),
	T("$1$", OF_CRYPT, 24, 36), T("$apr1$", OF_CRYPT, 24, 36), T("$y$", OF_CRYPT, 50, 130), T("$7$", OF_CRYPT, 50, 130),
	T("$gy$", OF_CRYPT, 50, 130), T("$scrypt$", OF_CRYPT, 60, 250), T("$s2$", OF_CRYPT, 60, 250), T("$pbkdf2-sha256$", OF_CRYPT, 40, 160),
	T("$pbkdf2-sha512$", OF_CRYPT, 40, 200), T("$pbkdf2$", OF_CRYPT, 30, 160), T("pbkdf2_sha256$", OF_CRYPT, 50, 160),
	T("pbkdf2_sha1$", OF_CRYPT, 40, 160), T("bcrypt_sha256$", OF_CRYPT, 50, 160), B("SSHA}", OF_BASE64, 32, 60), B("SSHA256}", OF_BASE64, 50, 90),
	B("SSHA512}", OF_BASE64, 90, 140), B("PBKDF2}", OF_CRYPT, 40, 200), B("bcrypt}$2a$", OF_CRYPT, 56, 56), T("SCRAM-SHA-256$", OF_CRYPT, 90, 200));
