/* SPDX-License-Identifier: Apache-2.0 */
/* mysql.h - what the parts of the protocol of MySQL and MariaDB share: mysql.c cuts packets out of
 * the stream and finds them again after a gap, mysql_fits.c says what a packet can be,
 * mysql_compress.c opens the compressed protocol, mysql_front.c reads what clients say,
 * mysql_back.c what servers answer, mysql_value.c values. */
#ifndef WEIR_MYSQL_H
#define WEIR_MYSQL_H
#include "base/buf.h"
#include "protocol/database.h"
#include "protocol/reader.h"

#define MY_HEAD		4		/* bytes of a packet: length, sequence */
#define MY_PACKET_MAX	0xffffffu	/* one that is so long goes on in the next */
#define MY_WAITED	32768		/* a packet up to this is waited for in one piece */

enum my_capability {
	MY_CONNECT_WITH_DB = 1 << 3, MY_COMPRESS = 1 << 5, MY_PROTOCOL_41 = 1 << 9, MY_SSL = 1 << 11, MY_SECURE = 1 << 15,
	MY_MULTI_STATEMENTS = 1 << 16, MY_PLUGIN_AUTH = 1 << 19, MY_CONNECT_ATTRS = 1 << 20, MY_AUTH_LENENC = 1 << 21,
	MY_ZSTD = 1 << 26, MY_QUERY_ATTRIBUTES = 1 << 27,
};
enum my_command {
	COM_QUIT = 1, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_CREATE_DB, COM_DROP_DB, COM_REFRESH, COM_SHUTDOWN, COM_STATISTICS,
	COM_PROCESS_INFO, COM_PROCESS_KILL = 12, COM_DEBUG, COM_PING, COM_CHANGE_USER = 17, COM_BINLOG_DUMP, COM_REGISTER_SLAVE = 21,
	COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE, COM_STMT_RESET, COM_SET_OPTION, COM_STMT_FETCH,
	COM_BINLOG_DUMP_GTID = 30, COM_RESET_CONNECTION, COM_BULK_EXECUTE = 0xfa,
};

/* Types of columns and parameters; struct column.type is one, with the flags below. */
enum my_type {
	MY_DECIMAL, MY_TINY, MY_SHORT, MY_LONG, MY_FLOAT, MY_DOUBLE, MY_NULL, MY_TIMESTAMP, MY_LONGLONG, MY_INT24, MY_DATE, MY_TIME,
	MY_DATETIME, MY_YEAR, MY_BIT = 16, MY_JSON = 245, MY_NEWDECIMAL, MY_ENUM, MY_SET, MY_TINY_BLOB, MY_MEDIUM_BLOB, MY_LONG_BLOB,
	MY_BLOB, MY_VAR_STRING, MY_STRING, MY_GEOMETRY,
};
#define MY_UNSIGNED	0x100
#define MY_BINARY	0x200	/* its charset is none */
#define MY_KNOWN	0x400

enum my_kind {
	MY_RESULT,	/* OK, an error, or rows */
	MY_PREPARED,	/* a statement's number, its parameters and columns */
	MY_FETCHED,	/* rows alone */
	MY_FIELD_LIST,	/* columns alone */
	MY_STATISTICS,	/* one text */
	MY_LOGIN,	/* whatever the plugin says, then OK or an error */
	MY_SILENT,	/* OK, which is no exchange */
};
struct my_item {
	struct owed owed;	/* of MY_PREPARED, MY_LOGIN and MY_SILENT it has no exchange */
	enum my_kind kind;
	bool more;		/* behind it stands another statement of the same text */
	uint32_t folded;	/* of what it stands for too so many are */
	bool binary;		/* its rows are */
	bool unasked;		/* nobody knows how they are */
};

enum my_answer { ANSWER_FIRST, ANSWER_PARAMS, ANSWER_COLUMNS, ANSWER_COLUMNS_END, ANSWER_ROWS, ANSWER_FILE };
enum my_phase { PHASE_PACKET, PHASE_BODY, PHASE_RESYNC };

struct my_side {
	enum my_phase phase;
	uint8_t seq;		/* of the last packet */
	uint8_t first_seq;	/* of the message that the body belongs to */
	uint32_t left;		/* bytes of the packet to come */
	bool goes_on;		/* the message has another packet */
	uint64_t total;		/* bytes of the message, heads too */
	struct buf body;
	bool cut, holed;	/* what is held of it is not whole; nothing more is held */
	bool after_gap;
	uint32_t carried, waited;	/* of a packet whose end was waited for; 0: none */
	uint8_t what;			/* its first byte */
};
/* The compressed protocol around it. */
struct my_frame {
	uint32_t left, plain;	/* bytes of it to come; what they inflate to, 0: they are as they are */
	bool inside, lost;	/* lost: its beginning is looked for */
	bool too_big;		/* to be opened */
	struct buf packed, inner;	/* of it so far; packets whose end is to come */
};

struct my_state {
	const struct field_sink *sink;
	struct session *session;
	enum dir front;			/* the client's direction, once known */
	bool front_known, replicates;
	bool asked_tls;			/* and its records are not to come here */
	bool login;			/* the client has said who it is, and has no answer yet */
	bool ask_plain;			/* what it says next may be a password in the clear */
	uint32_t caps;			/* of the client; 0: not known */
	bool packing;			/* both directions, from now on */
	bool within;			/* bytes being fed came out of a frame */
	struct my_side sides[2];	/* by enum dir */
	struct my_frame frames[2];
	struct ring items;		/* of struct my_item */
	struct exchange *asking;	/* of the log-in and of what is prepared, until there is a statement */
	struct statements statements;	/* by number, as text */
	struct statement *prepared;	/* the last one, whose number may not be known yet */
	struct buf long_data;		/* of one parameter, in pieces */
	struct copy file;		/* of LOCAL INFILE */
	uint32_t long_statement;
	uint16_t long_param;
	uint64_t long_params;		/* bits: came before, and not with the others */
	bool long_cut;
	enum my_answer answer;		/* to the first item */
	unsigned columns, column, after;	/* of it: how many, which is next; columns behind parameters */
	uint8_t last_seq;		/* of the server's last packet */
	bool eof_may_follow;		/* behind what is prepared, where nobody knows whether ends are marked */
};

/* A whole message, or what there is of it. */
struct my_message { uint8_t seq; struct slice body; uint64_t total; bool cut; };

void my_front(struct my_state *, const struct my_message *, struct stamp);
void my_back(struct my_state *, const struct my_message *, struct stamp);
void my_lost(struct my_state *, enum dir);	/* bytes are missing in that direction */
void my_end(struct my_state *, struct stamp);
void my_free(struct my_state *);
struct exchange *my_exchange(struct my_state *, struct stamp);
struct exchange *my_asking(struct my_state *, struct stamp);
struct my_item *my_first(struct my_state *);	/* NULL: nothing waits */
/* Takes ex (NULL is fine) and a reference of the statement. more: the one before is of the same text. */
void my_push(struct my_state *, enum my_kind, struct exchange *ex, struct statement *, bool more, bool binary, struct stamp);
void my_give_up(struct my_state *, bool lost, struct stamp);	/* the first, which gets no answer any more */
void my_finish(struct my_state *, struct my_item *, uint16_t status, bool more, struct stamp);

/* Packets in bytes that are no compressed frames, or out of them. */
struct feed_result my_packets(struct my_state *, enum dir, struct slice, struct stamp);
void my_gap(struct my_state *, enum dir, uint64_t lost, bool known, struct stamp);
/* mysql_compress.c */
struct feed_result my_frames(struct my_state *, enum dir, struct slice, struct stamp);
void my_frames_gap(struct my_state *, enum dir, uint64_t lost, struct stamp);

/* mysql_fits.c: does a message begin here? 1, 0, or -1 when too little of it is there. */
int my_greets(struct slice);
int my_logs_in(struct slice);	/* *seq* and all */
int my_commands(struct slice);
int my_answers(struct slice, uint8_t *seq);
int my_frame_begins(struct slice);
bool my_is_column(struct slice body);
bool my_is_command(uint8_t);

uint64_t my_number(struct reader *);			/* of the length that its first byte says */
uint64_t my_little(struct reader *, unsigned bytes);
struct slice my_vector(struct reader *, bool cut, bool *is_cut);	/* behind its length; of one that is cut, what is there */
/* A value of that type, from the front of a binary row; text: as text rows have it. false: not there. */
bool my_value(struct reader *, uint32_t type, bool cut, bool *is_cut, struct value *, char room[VALUE_ROOM]);
struct value my_text_value(uint32_t type, struct slice);
#endif
