/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line to stderr: "weir[role]: error: sentence key=value". Takes no
 * bytes of payload: there is no function for it. */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H
enum log_level { LOG_ERROR_, LOG_WARN_, LOG_INFO_, LOG_DEBUG_ };
void log_init(const char *role, enum log_level);	/* role is kept, not copied */
void log_line(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR_, __VA_ARGS__)	/* a person should act */
#define log_warn(...)  log_line(LOG_WARN_, __VA_ARGS__)		/* we go on, saying how */
#define log_info(...)  log_line(LOG_INFO_, __VA_ARGS__)		/* life events */
#define log_debug(...) log_line(LOG_DEBUG_, __VA_ARGS__)
#endif
