/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_STORE_PRIVATE_H
#define WEIR_STORE_PRIVATE_H
struct json;
struct byte_account;
/* "bytes":{…} of design.md 8, and beside it "sent" and "received", which it is the sum of */
void bytes_write(struct json *, const struct byte_account by[2]);
#endif
