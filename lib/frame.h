#ifndef SN_LIB_FRAME_H
#define SN_LIB_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * The frames of docs/PROTOCOL.md, section 2, in one table: the struct, the
 * parser and the writer of each come from its row.  F(KIND, name, min, max):
 *
 *	UINT   uint64_t within min..max
 *	MAYBE  struct sn_maybe: a uint64_t or null
 *	TEXT   struct sn_bytes, UTF-8, of min..max bytes
 *	BYTES  struct sn_bytes of min..max bytes
 *	ID     uint8_t[16]
 *	BOOL   bool
 *	LIST   uint64_t, a set of SN_FEATURE_*: an array of texts on the
 *	       wire; words that we do not know are passed over
 *
 * LATER_UINT, LATER_MAYBE and LATER_BOOL are fields that were appended to a
 * frame of version 1: they are written always, and one that is not there is
 * zero, null or false.
 */
#define SN_FRAME_MAX_EARLY 4096 /* Before the state ready. */
#define SN_FRAME_MAX 65536
#define SN_FRAME_BODY_MAX 61440
#define SN_FRAME_ID 16
#define SN_FRAME_HEAD 4

/** SN_FRAME_DIGITS(SN_FRAME_MAX): one of these, for a sentence. */
#define SN_FRAME_DIGITS(limit) SN_FRAME_DIGITS_(limit)
#define SN_FRAME_DIGITS_(limit) #limit

#define SN_FRAME_MESSAGE_(F)                 \
	F(UINT, seq, 1, UINT64_MAX)          \
	F(UINT, time, 0, UINT64_MAX)         \
	F(TEXT, to, 1, 65)                   \
	F(TEXT, from, 1, 64)                 \
	F(TEXT, device, 0, 64)               \
	F(ID, id, 0, 0)                      \
	F(TEXT, content_type, 1, 64)         \
	F(BYTES, body, 0, SN_FRAME_BODY_MAX) \
	F(LATER_UINT, expires, 0, UINT64_MAX)

/* clang-format off */
#define SN_FRAME_hello(F)                                                   \
	F(UINT, version, 0, UINT64_MAX) F(LIST, features, 0, 0)             \
	F(TEXT, agent, 0, 64)
#define SN_FRAME_welcome(F)                                                 \
	F(UINT, version, 0, UINT64_MAX) F(LIST, features, 0, 0)             \
	F(TEXT, server, 0, 255) F(TEXT, account, 1, 64)                     \
	F(TEXT, device, 0, 64) F(UINT, now, 0, UINT64_MAX)                  \
	F(UINT, max_frame, 0, UINT64_MAX)
#define SN_FRAME_auth(F) F(BYTES, password, 1, 1024)
#define SN_FRAME_resume(F) F(BYTES, token, 1, 256)
#define SN_FRAME_ready(F)                                                   \
	F(BYTES, token, 0, 256) F(UINT, token_until, 0, UINT64_MAX)         \
	F(UINT, not_after, 0, UINT64_MAX)
#define SN_FRAME_password(F)                                                \
	F(UINT, ref, 0, UINT32_MAX) F(BYTES, old, 1, 1024)                  \
	F(BYTES, fresh, 1, 1024)
#define SN_FRAME_choose(F)
#define SN_FRAME_logout(F) F(UINT, ref, 0, UINT32_MAX)
#define SN_FRAME_done(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) F(UINT, seq, 0, UINT64_MAX)
#define SN_FRAME_error(F)                                                   \
	F(MAYBE, ref, 0, UINT32_MAX) F(TEXT, code, 0, 32)                   \
	F(TEXT, text, 0, 256) F(MAYBE, retry_ms, 0, UINT32_MAX)
#define SN_FRAME_send(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, to, 1, 65)                      \
	F(ID, id, 0, 0) F(TEXT, content_type, 1, 64)                        \
	F(BYTES, body, 0, SN_FRAME_BODY_MAX)                                \
	F(LATER_UINT, ttl, 0, UINT64_MAX)
#define SN_FRAME_stored(F)                                                  \
	F(UINT, ref, 0, UINT32_MAX) F(UINT, seq, 1, UINT64_MAX)             \
	F(UINT, time, 0, UINT64_MAX) F(BOOL, duplicate, 0, 0)
#define SN_FRAME_sync(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, consumer, 1, 32)                \
	F(UINT, frames, 0, UINT64_MAX) F(UINT, bytes, 0, UINT64_MAX)        \
	F(BOOL, takeover, 0, 0)
#define SN_FRAME_synced(F)                                                  \
	F(UINT, ref, 0, UINT32_MAX) F(UINT, cursor, 0, UINT64_MAX)          \
	F(UINT, head, 0, UINT64_MAX)
#define SN_FRAME_deliver(F) SN_FRAME_MESSAGE_(F)
#define SN_FRAME_ack(F) F(UINT, seq, 1, UINT64_MAX)
#define SN_FRAME_credit(F)                                                  \
	F(UINT, frames, 0, UINT64_MAX) F(UINT, bytes, 0, UINT64_MAX)
#define SN_FRAME_history(F)                                                 \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, with, 1, 65)                    \
	F(MAYBE, before, 1, UINT64_MAX) F(MAYBE, after, 0, UINT64_MAX)      \
	F(UINT, limit, 0, UINT64_MAX)                                       \
	F(LATER_MAYBE, before_time, 0, UINT64_MAX)                          \
	F(LATER_MAYBE, after_time, 0, UINT64_MAX)
#define SN_FRAME_item(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) SN_FRAME_MESSAGE_(F)
#define SN_FRAME_end(F)                                                     \
	F(UINT, ref, 0, UINT32_MAX) F(UINT, count, 0, UINT64_MAX)           \
	F(BOOL, more, 0, 0)
#define SN_FRAME_read(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, with, 1, 65)                    \
	F(UINT, seq, 1, UINT64_MAX)
#define SN_FRAME_receipts(F)                                                \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, with, 1, 65)
#define SN_FRAME_receipt(F)                                                 \
	F(MAYBE, ref, 0, UINT32_MAX) F(TEXT, with, 1, 65)                   \
	F(TEXT, account, 1, 64) F(TEXT, kind, 1, 16)                        \
	F(UINT, seq, 1, UINT64_MAX)
#define SN_FRAME_signal(F)                                                  \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, to, 1, 65)                      \
	F(TEXT, kind, 1, 32) F(BYTES, data, 0, 256)
#define SN_FRAME_signaled(F)                                                \
	F(TEXT, to, 1, 65) F(TEXT, from, 1, 64) F(TEXT, device, 0, 64)      \
	F(TEXT, kind, 1, 32) F(BYTES, data, 0, 256)
#define SN_FRAME_room_create(F)                                             \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(BOOL, open, 0, 0) F(TEXT, topic, 0, 256)                          \
	F(LATER_BOOL, history, 0, 0)
#define SN_FRAME_room_join(F)                                               \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)
#define SN_FRAME_room_leave(F) SN_FRAME_room_join(F)
#define SN_FRAME_room_invite(F)                                             \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(TEXT, account, 1, 64)
#define SN_FRAME_room_remove(F) SN_FRAME_room_invite(F)
#define SN_FRAME_room_list(F) F(UINT, ref, 0, UINT32_MAX)
#define SN_FRAME_room_members(F) SN_FRAME_room_join(F)
#define SN_FRAME_room_topic(F)                                              \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(TEXT, topic, 0, 256)
#define SN_FRAME_room(F)                                                    \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(TEXT, topic, 0, 256) F(BOOL, open, 0, 0)                          \
	F(UINT, members, 0, UINT64_MAX) F(BOOL, joined, 0, 0)               \
	F(LATER_BOOL, history, 0, 0)
#define SN_FRAME_member(F)                                                  \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, account, 1, 64)                 \
	F(TEXT, role, 1, 16)
#define SN_FRAME_room_delete(F) SN_FRAME_room_join(F)
#define SN_FRAME_room_history(F)                                            \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(BOOL, open, 0, 0)
#define SN_FRAME_room_role(F)                                               \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, room, 1, 65)                    \
	F(TEXT, account, 1, 64) F(TEXT, role, 1, 16)
#define SN_FRAME_room_changed(F)                                            \
	F(UINT, seq, 1, UINT64_MAX) F(TEXT, room, 1, 65)                    \
	F(TEXT, change, 1, 16) F(TEXT, account, 0, 64)
#define SN_FRAME_presence_set(F)                                            \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, state, 1, 16)
#define SN_FRAME_presence_get(F)                                            \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, of, 1, 65)
#define SN_FRAME_presence(F)                                                \
	F(MAYBE, ref, 0, UINT32_MAX) F(TEXT, account, 1, 64)                \
	F(TEXT, state, 1, 16) F(MAYBE, seen, 0, UINT64_MAX)
#define SN_FRAME_directory(F)                                               \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, account, 1, 64)
#define SN_FRAME_device(F)                                                  \
	F(UINT, ref, 0, UINT32_MAX) F(TEXT, device, 0, 64)                  \
	F(BYTES, fingerprint, 32, 32) F(TEXT, serial, 0, 64)                \
	F(TEXT, issuer, 0, 256) F(UINT, not_after, 0, UINT64_MAX)           \
	F(BYTES, certificate, 0, 16384)
#define SN_FRAME_ping(F) F(UINT, nonce, 0, UINT64_MAX)
#define SN_FRAME_pong(F) F(UINT, nonce, 0, UINT64_MAX)
#define SN_FRAME_notice(F)                                                  \
	F(TEXT, code, 0, 32) F(TEXT, text, 0, 256)                          \
	F(MAYBE, value, 0, UINT64_MAX)
#define SN_FRAME_bye(F) F(TEXT, code, 0, 32) F(TEXT, text, 0, 256)

/* X(type number, lower-case name, upper-case name) */
#define SN_FRAMES(X)                                                        \
	X(1,  hello,        HELLO)        X(2,  welcome,      WELCOME)      \
	X(3,  auth,         AUTH)         X(4,  resume,       RESUME)       \
	X(5,  ready,        READY)        X(6,  password,     PASSWORD)     \
	X(7,  choose,       CHOOSE)       X(8,  logout,       LOGOUT)       \
	X(14, done,         DONE)         X(15, error,        ERROR)        \
	X(16, send,         SEND)         X(17, stored,       STORED)       \
	X(18, sync,         SYNC)         X(19, synced,       SYNCED)       \
	X(20, deliver,      DELIVER)      X(21, ack,          ACK)          \
	X(22, credit,       CREDIT)       X(23, history,      HISTORY)      \
	X(24, item,         ITEM)         X(25, end,          END)          \
	X(26, read,         READ)         X(27, receipts,     RECEIPTS)     \
	X(28, receipt,      RECEIPT)      X(29, signal,       SIGNAL)       \
	X(30, signaled,     SIGNALED)                                       \
	X(32, room_create,  ROOM_CREATE)  X(33, room_join,    ROOM_JOIN)    \
	X(34, room_leave,   ROOM_LEAVE)   X(35, room_invite,  ROOM_INVITE)  \
	X(36, room_remove,  ROOM_REMOVE)  X(37, room_list,    ROOM_LIST)    \
	X(38, room_members, ROOM_MEMBERS) X(39, room_topic,   ROOM_TOPIC)   \
	X(40, room,         ROOM)         X(41, member,       MEMBER)       \
	X(42, room_delete,  ROOM_DELETE)  X(43, room_history, ROOM_HISTORY) \
	X(44, room_role,    ROOM_ROLE)    X(45, room_changed, ROOM_CHANGED) \
	X(48, ping,         PING)         X(49, pong,         PONG)         \
	X(50, presence_set, PRESENCE_SET) X(51, presence_get, PRESENCE_GET) \
	X(52, presence,     PRESENCE)     X(53, directory,    DIRECTORY)    \
	X(54, device,       DEVICE)                                         \
	X(62, notice,       NOTICE)       X(63, bye,          BYE)
/* clang-format on */

#define SN_FRAME_TYPES 64

/* What a side of HELLO and WELCOME knows: X(upper-case name, word). */
#define SN_FEATURES(X)    \
	X(ROOMS, "rooms") \
	X(RECEIPTS, "receipts") X(SIGNALS, "signals") X(PRESENCE, "presence")

#define X(NAME, word) SN_FEATURE_BIT_##NAME,
enum sn_feature_bit { SN_FEATURES(X) SN_FEATURE_COUNT };
#undef X
#define X(NAME, word) SN_FEATURE_##NAME = 1 << SN_FEATURE_BIT_##NAME,
enum sn_feature { SN_FEATURES(X) };
#undef X
#define SN_FEATURES_ALL ((1 << SN_FEATURE_COUNT) - 1)

#define X(number, lower, UPPER) SN_FRAME_##UPPER = number,
enum sn_frame_type { SN_FRAMES(X) };
#undef X

struct sn_maybe {
	bool set;
	uint64_t value;
};

#define SN_FIELD_UINT(name) uint64_t name;
#define SN_FIELD_MAYBE(name) struct sn_maybe name;
#define SN_FIELD_TEXT(name) struct sn_bytes name;
#define SN_FIELD_BYTES(name) struct sn_bytes name;
#define SN_FIELD_ID(name) uint8_t name[SN_FRAME_ID];
#define SN_FIELD_BOOL(name) bool name;
#define SN_FIELD_LIST(name) uint64_t name;
#define SN_FIELD_LATER_UINT(name) SN_FIELD_UINT(name)
#define SN_FIELD_LATER_MAYBE(name) SN_FIELD_MAYBE(name)
#define SN_FIELD_LATER_BOOL(name) SN_FIELD_BOOL(name)
#define F(KIND, name, min, max) SN_FIELD_##KIND(name)
/* CHOOSE has no field, and C no empty struct. */
#define X(number, lower, UPPER)                          \
	struct sn_frame_##lower {                        \
		SN_FRAME_##lower(F) char no_more_fields; \
	};
SN_FRAMES(X)
#undef X
#undef F

/* A frame that has been taken apart as far as its type. */
struct sn_frame {
	uint64_t type;
	uint64_t fields; /* Items behind the type. */
	struct sn_rd rd; /* At the first of them. */
	size_t size;     /* Of the whole frame, its length included. */
};

/**
 * sn_frame_open(p, n, max, out):
 * Take the first frame of ${n} received bytes apart.  SN_EAGAIN when it is
 * not complete yet, SN_ETOOBIG when its length is above ${max} (known from
 * the first four bytes), SN_EPROTO when it is no array that begins with an
 * unsigned integer.  docs/PROTOCOL.md, section 2.
 */
enum sn_err sn_frame_open(
    const void *p, size_t n, size_t max, struct sn_frame *out) SN_MUST_USE;

/** sn_frame_name(type): "SEND"; "?" for a number that is no frame. */
const char *sn_frame_name(uint64_t type);

/**
 * sn_frame_get_<name>(frame, out): parse the fields.  Texts and bytes point
 * into the received bytes.  False when a field is missing, of another type
 * or out of its range, or when the array does not end with the frame.
 * sn_frame_put_<name>(w, in): write the whole frame, length included.
 */
#define X(number, lower, UPPER)                                          \
	bool sn_frame_get_##lower(                                       \
	    const struct sn_frame *frame, struct sn_frame_##lower *out); \
	void sn_frame_put_##lower(                                       \
	    struct sn_wr *w, const struct sn_frame_##lower *in);
SN_FRAMES(X)
#undef X

/**
 * A message is stored as the part of DELIVER that is the same wherever it
 * goes: the fields from time to body.  sn_frame_put_tail writes that part;
 * sn_frame_put_deliver_tail and sn_frame_put_item_tail put a whole frame
 * around stored bytes.  ${expires} 0: it does not, and the frame has no such
 * field.
 */
void sn_frame_put_tail(struct sn_wr *w, const struct sn_frame_deliver *in);
/** What stands before a tail of ${tail} bytes in its DELIVER frame, and what
 * behind: at most SN_FRAME_BEHIND bytes. */
void sn_frame_put_deliver_head(
    struct sn_wr *w, uint64_t seq, size_t tail, uint64_t expires);
void sn_frame_put_behind(struct sn_wr *w, uint64_t expires);
void sn_frame_put_deliver_tail(
    struct sn_wr *w, uint64_t seq, struct sn_bytes tail, uint64_t expires);
void sn_frame_put_item_tail(struct sn_wr *w, uint64_t ref, uint64_t seq,
    struct sn_bytes tail, uint64_t expires);

/** Bytes that a frame needs around its tail at the most. */
#define SN_FRAME_BEHIND 9
#define SN_FRAME_AROUND (32 + SN_FRAME_BEHIND)

#endif
