/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_STORE_PRIVATE_H
#define WEIR_STORE_PRIVATE_H
struct json;
struct byte_account;
/* "bytes":{…} of design.md 8 */
void bytes_write(struct json *, const struct byte_account *);
#endif
