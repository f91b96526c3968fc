#ifndef SERVER_OPLOG_OP_H
#define SERVER_OPLOG_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/frame.h"
#include "server/oplog/account.h"
#include "server/oplog/device.h"
#include "server/oplog/limit.h"
#include "server/oplog/mapping.h"
#include "server/oplog/room.h"

/*
 * An operation is one change to the server's shared data, as it stands in
 * the log.  It carries all that apply needs and the database does not hold:
 * the time, new ids, and the limits in force where it was made, so that
 * applying it again elsewhere gives the same rows.
 */
enum op_kind {
	OP_MESSAGE = 1,
	OP_ACCOUNT_ADD,
	OP_ACCOUNT_STATE,
	OP_DEVICE_BIND,
	OP_DEVICE_REVOKE,
	OP_ROOM_CREATE,
	OP_ROOM_MEMBER,
	OP_ROOM_TOPIC,
	OP_ROOM_DELETE = 16,
	OP_ROOM_HISTORY,
	OP_SUBJECT_MAP = 9,
	OP_SUBJECT_UNMAP = 10,
	OP_FORGET = 32, /* Remove messages: retention has decided. */
	OP_PURGE,       /* Move the dedupe horizon. */
	OP_LIMIT,
	OP_FORGOTTEN, /* What OP_FORGET leaves of a message; never submitted. */
	OP_KIND_END
};

enum op_member_change {
	OP_JOIN,
	OP_LEAVE,
	OP_INVITE,
	OP_REMOVE,
	OP_APPOINT, /* An owner. */
	OP_DISMISS,
};

struct op_message {
	uint64_t sender;
	bool direct; /* ${target} is an account, else a room. */
	uint64_t target;
	uint64_t expires; /* ms since 1970; 0: it does not. */
	uint8_t id[SN_FRAME_ID];
	struct sn_bytes tail; /* See sn_frame_put_tail. */
};

struct op_account_state {
	uint64_t account;
	enum account_state state;
};

struct op_device_bind {
	struct device device;
	uint64_t limit; /* Devices an account may have. */
};

struct op_device_revoke {
	uint64_t account;
	uint8_t fingerprint[DEVICE_FINGERPRINT];
};

struct op_subject_unmap {
	uint64_t account;
	struct sn_bytes key;
};

struct op_room_create {
	uint64_t creator;
	bool open;
	struct sn_bytes name;
	struct sn_bytes topic;
	uint64_t limit;         /* Rooms the server may have. */
	uint64_t account_limit; /* Rooms an account may be in. */
	bool history;           /* As in struct room. */
};

struct op_room_member {
	uint64_t room;
	uint64_t account;
	uint64_t by; /* Who asked. */
	enum op_member_change change;
	uint64_t limit;         /* Members a room may have. */
	uint64_t account_limit; /* Rooms an account may be in. */
};

struct op_room_delete {
	uint64_t room;
	uint64_t by;
};

struct op_room_history {
	uint64_t room;
	uint64_t by;
	bool open;
};

struct op_room_topic {
	uint64_t room;
	uint64_t by;
	struct sn_bytes topic;
};

/** Messages of one OP_FORGET: few enough not to hold up others. */
#define OP_FORGET_MAX 128

struct op_forget {
	struct sn_bytes seqs; /* 8 bytes each, big-endian. */
};

struct op_purge {
	uint64_t to;
	uint64_t rows; /* At the most. */
};

struct op_limit {
	enum usage_of of;
	uint64_t id;
	bool set; /* Else it is taken away. */
	struct limit limit;
};

struct op_forgotten {
	uint64_t sender;
	uint8_t id[SN_FRAME_ID];
};

struct op {
	enum op_kind kind;
	uint64_t time; /* ms since 1970, where it was made */
	union {
		struct op_message message;
		struct account account; /* OP_ACCOUNT_ADD */
		struct op_account_state account_state;
		struct op_device_bind device_bind;
		struct op_device_revoke device_revoke;
		struct mapping subject_map;
		struct op_subject_unmap subject_unmap;
		struct op_room_create room_create;
		struct op_room_member room_member;
		struct op_room_topic room_topic;
		struct op_room_delete room_delete;
		struct op_room_history room_history;
		struct op_forget forget;
		struct op_purge purge;
		struct op_limit limit;
		struct op_forgotten forgotten;
	};
};

/** Bytes an operation needs; those of a message besides its tail. */
#define OP_OVERHEAD 1280
#define OP_MESSAGE_OVERHEAD 64

/** op_encode(op, w): write it as a record of record.h. */
void op_encode(const struct op *op, struct sn_wr *w);

/** op_tail_at(op, n): where in the ${n} bytes that op_encode has made of the
 * message ${op} its tail begins. */
size_t op_tail_at(const struct op *op, size_t n);

/**
 * op_decode(value, op):
 * Read a record; texts and tails point into it.  SN_ECORRUPT, SN_ENEWER.
 */
enum sn_err op_decode(struct sn_bytes value, struct op *op) SN_MUST_USE;

#endif
