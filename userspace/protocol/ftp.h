/* SPDX-License-Identifier: Apache-2.0 */
/* ftp.h - what reads the connections that FTP's control connection has arranged. Private to both. */
#ifndef WEIR_FTP_H
#define WEIR_FTP_H
#include "protocol/protocol.h"

extern const struct protocol ftp_data;
#endif
