#ifndef SN_CLIENT_CORE_H
#define SN_CLIENT_CORE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/frame.h"
#include "lib/secret.h"
#include "lib/tls.h"

/*
 * The client without a face: one account's conversation with its server
 * (docs/PROTOCOL.md), over as many connections as it takes.  It never
 * blocks (but for looking up the server's name), never exits and knows no
 * terminal.  What happens comes out of core_next as events; between them the
 * caller polls for what core_poll says.
 *
 * After a lost connection it comes back by itself where ${reconnect} says so:
 * with the resume token, with the messages not yet acknowledged as stored
 * sent again under the same ids, and with delivery going on behind the last
 * message that was handled.
 */
struct core;

struct core_config {
	const char *host; /* Dialled, and the name its certificate must have. */
	const char *port;
	struct sn_tls_context *tls; /* A reference is taken. */
	bool reconnect;
	uint64_t features; /* SN_FEATURE_*: what else to be told. */
	/* Where to remember what was handled; NULL: nowhere.  Folder of a
	 * profile: core_sync's consumer names the file in it. */
	const char *state_dir;
};

enum core_type {
	CORE_PASSWORD, /* Wants core_password; ${again}: it was wrong. */
	CORE_CHOOSE,   /* Wants core_choose; ${again}: it was too weak. */
	CORE_WAIT,     /* The server is busy; it is asked again in retry_ms. */
	CORE_READY,    /* Logged in; see core_welcome. */
	CORE_STORED,
	CORE_SYNCED,
	CORE_MESSAGE, /* Not handled before; wants core_handled. */
	CORE_ITEM,
	CORE_END,
	CORE_DONE,
	CORE_ROOM,
	CORE_MEMBER,
	CORE_RECEIPT, /* By itself (ref 0) with SN_FEATURE_RECEIPTS. */
	CORE_DEVICE,
	CORE_SIGNALED,     /* With SN_FEATURE_SIGNALS. */
	CORE_PRESENCE,     /* By itself (ref 0) with SN_FEATURE_PRESENCE. */
	CORE_ROOM_CHANGED, /* With SN_FEATURE_ROOMS. */
	CORE_NOTICE,
	CORE_REFUSED, /* The request ${ref} was; see code, err, why. */
	CORE_LOST,    /* It will come back by itself in retry_ms; why. */
	CORE_OVER,    /* It will not; err and why.  The last event. */
};

/* One thing that happened; what it points to lives until core_next. */
struct core_event {
	enum core_type type;
	uint32_t ref; /* Of the request, where one is answered. */
	bool again;
	uint64_t retry_ms;
	enum sn_err err;
	char code[33]; /* As in the protocol; "" when ours. */
	struct sn_why why;
	union {
		struct sn_frame_stored stored;
		struct sn_frame_synced synced;
		struct sn_frame_deliver message; /* Of CORE_ITEM, too. */
		struct sn_frame_end end;
		struct sn_frame_done done;
		struct sn_frame_room room;
		struct sn_frame_member member;
		struct sn_frame_room_changed room_changed;
		struct sn_frame_receipt receipt;
		struct sn_frame_device device;
		struct sn_frame_signaled signaled;
		struct sn_frame_presence presence;
		struct sn_frame_notice notice;
	};
};

/* Whom we are to the server, and the server to us. */
struct core_welcome {
	char server[256];
	char account[65];
	char device[65];
	uint64_t not_after; /* Of our certificate, ms since 1970. */
};

/** core_new(config, out): nothing happens before core_start.  SN_ENOMEM. */
enum sn_err core_new(
    const struct core_config *config, struct core **out) SN_MUST_USE;

/** core_free(core): ends without a word; NULL is fine. */
void core_free(struct core *core);

/** core_start(core): dial.  What becomes of it is told by core_next. */
void core_start(struct core *core);

/**
 * core_adopt(core, fd):
 * Instead of core_start: speak over this connected socket, which it takes.
 * For tests, and for whoever dials by other means.
 */
void core_adopt(struct core *core, int fd);

/**
 * core_next(core, ev):
 * Do what can be done without waiting.  True and an event, or false when
 * there is none: then poll.
 */
bool core_next(struct core *core, struct core_event *ev);

/**
 * core_poll(core, pfd):
 * Fill in what to wait for (its fd is -1 when there is only time to wait
 * for) and return for how many milliseconds at most.
 */
int core_poll(const struct core *core, struct pollfd *pfd);

/**
 * core_bye(core):
 * Say goodbye.  core_next goes on until all that was said is with the server,
 * a second at the most, and ends with CORE_OVER and SN_OK.
 */
void core_bye(struct core *core);

/** core_welcome(core): valid from CORE_READY on. */
const struct core_welcome *core_welcome(const struct core *core);

/** core_now(core): the server's clock, ms since 1970, as WELCOME told it. */
uint64_t core_now(const struct core *core);

/**
 * core_password(core, p): the password; may be given before it is wanted.
 * core_choose(core, p): the new one in answer to CORE_CHOOSE.
 * Both are copied, and wiped when the login is through.  SN_ENOMEM.
 */
enum sn_err core_password(struct core *core, struct sn_bytes p) SN_MUST_USE;
enum sn_err core_choose(struct core *core, struct sn_bytes p) SN_MUST_USE;

/** core_id(id): a new message's id, a UUIDv7 (RFC 9562). */
void core_id(uint8_t id[SN_FRAME_ID]);

struct core_message {
	const char *to;
	const char *type;
	uint8_t id[SN_FRAME_ID];
	struct sn_bytes body;
	uint64_t ttl; /* ms after which the server removes it; 0: it stays. */
};

/**
 * core_send(core, message, ref):
 * Send it, now or when there is a connection, and again after each lost one
 * until it is stored or refused: CORE_STORED or CORE_REFUSED with *${ref}.
 * SN_ETOOBIG, SN_EFULL (CORE_SENDS wait already), SN_ENOMEM.
 */
enum sn_err core_send(struct core *core, const struct core_message *message,
    uint32_t *ref) SN_MUST_USE;
#define CORE_SENDS 256

/** core_sends(core): how many wait for their answer. */
size_t core_sends(const struct core *core);

/** core_unsure(core, ref): whether the message ${ref}, which has no answer, may
 * have been stored all the same; false, too, when it was never sent. */
bool core_unsure(const struct core *core, uint32_t ref);

/**
 * core_sync(core, consumer, takeover):
 * Begin delivery, once CORE_READY was seen: CORE_SYNCED, then CORE_MESSAGE
 * for each above the last handled, or CORE_REFUSED with ref 0.
 */
void core_sync(struct core *core, const char *consumer, bool takeover);

/**
 * core_handled(core, seq, why):
 * All messages up to ${seq} are with the user.  Remembers it on the disk
 * first; the server is told by core_next, once a second at most, and by
 * core_bye.  An error of the disk is returned and the server not told.
 */
enum sn_err core_handled(
    struct core *core, uint64_t seq, struct sn_why *why) SN_MUST_USE;

/*
 * Requests of a ready connection; answered with the same ref by the events
 * that docs/PROTOCOL.md names.  They are not repeated after a loss.
 */
struct core_range {
	struct sn_maybe before, after, before_time, after_time;
	uint64_t limit;
};
uint32_t core_history(
    struct core *core, const char *with, const struct core_range *range);
/** core_read(core, with, seq): the user has read all up to there.  Answers
 * nothing but a refusal. */
uint32_t core_read(struct core *core, const char *with, uint64_t seq);
/** core_receipts(core, with): CORE_RECEIPT each, then CORE_END. */
uint32_t core_receipts(struct core *core, const char *with);
/** core_signal(core, to, kind): tell those who are there, such as "typing".
 * Answers nothing but a refusal. */
uint32_t core_signal(struct core *core, const char *to, const char *kind);
/** core_presence(core, of): of an account, or of those in a room:
 * CORE_PRESENCE each, then CORE_END. */
uint32_t core_presence(struct core *core, const char *of);
/** core_directory(core, account): CORE_DEVICE each, then CORE_END. */
uint32_t core_directory(struct core *core, const char *account);
/** core_away(core, away): CORE_DONE. */
uint32_t core_away(struct core *core, bool away);
struct core_room {
	const char *topic;
	bool open, history;
};
uint32_t core_room_create(
    struct core *core, const char *room, const struct core_room *how);
uint32_t core_room_join(struct core *core, const char *room);
uint32_t core_room_leave(struct core *core, const char *room);
uint32_t core_room_invite(
    struct core *core, const char *room, const char *account);
uint32_t core_room_remove(
    struct core *core, const char *room, const char *account);
uint32_t core_room_list(struct core *core);
uint32_t core_room_members(struct core *core, const char *room);
uint32_t core_room_topic(
    struct core *core, const char *room, const char *topic);
uint32_t core_room_delete(struct core *core, const char *room);
uint32_t core_room_history(struct core *core, const char *room, bool open);
uint32_t core_room_role(
    struct core *core, const char *room, const char *account, const char *role);

/** core_change(core, old, fresh, ref): change the password.  SN_ENOMEM. */
enum sn_err core_change(struct core *core, struct sn_bytes old,
    struct sn_bytes fresh, uint32_t *ref) SN_MUST_USE;

#endif
