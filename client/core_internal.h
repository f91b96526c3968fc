#ifndef SN_CLIENT_CORE_INTERNAL_H
#define SN_CLIENT_CORE_INTERNAL_H

#include <netdb.h>

#include "client/core.h"
#include "lib/buf.h"

/* What the files of the core share among themselves. */

#define CORE_DIAL_NS (10 * SN_NS_PER_S)     /* One address. */
#define CORE_LOGIN_NS (30 * SN_NS_PER_S)    /* One answer before ready. */
#define CORE_ASK_NS (60 * SN_NS_PER_S)      /* Silence until a PING. */
#define CORE_SILENCE_NS (150 * SN_NS_PER_S) /* Until we give up. */
#define CORE_BYE_NS (1 * SN_NS_PER_S)
/* One ACK a second at most: the server stores no oftener. */
#define CORE_ACK_NS (1 * SN_NS_PER_S)
#define CORE_BUSY_MAX_MS 60000 /* The longest we wait for a busy server. */
#define CORE_WINDOW_FRAMES 256
#define CORE_WINDOW_BYTES (UINT64_C(1) << 20)
#define CORE_OUT_MAX (4U << 20)

enum core_state {
	CORE_IDLE,
	CORE_DIALLING,
	CORE_SHAKING,
	CORE_GREETING, /* HELLO sent. */
	CORE_ASKING,   /* Waits for the caller's password. */
	CORE_PROVING,  /* AUTH or RESUME sent. */
	CORE_PAUSED,   /* The server was busy; again at ${deadline}. */
	CORE_CHOOSING, /* Waits for the caller's new password. */
	CORE_CHANGING, /* PASSWORD sent. */
	CORE_OPEN,     /* Logged in. */
	CORE_LEAVING,  /* BYE said. */
	CORE_AWAY,     /* Dials again at ${deadline}. */
	CORE_ENDED,
};

/* A message that waits for its answer; its frame follows. */
struct core_outgoing {
	struct core_outgoing *next;
	uint32_t ref;
	bool sent;   /* On this connection. */
	bool unsure; /* Sent on an earlier one, which ended without a word. */
	size_t size;
	uint8_t frame[];
};

struct core {
	struct core_config config;
	enum core_state state;
	uint64_t deadline; /* Of the state, sn_clock_mono(). */

	/* The connection. */
	struct addrinfo *addresses, *address; /* address: being tried. */
	int fd;
	struct sn_tls *tls;
	enum sn_tls_result want; /* Of the handshake. */
	struct sn_buf in, out;
	size_t taken; /* Of ${in}: the frame the last event points into. */
	struct sn_secret secret; /* A frame that must be wiped. */
	size_t secret_size, secret_sent;
	bool secret_begun, shut;
	uint64_t heard;
	bool pinged;

	/* Login. */
	struct sn_secret password, fresh, token;
	bool by_token, asked;
	bool was_open;   /* Once at least: a loss is then worth coming back. */
	unsigned losses; /* Since it was open. */
	struct core_welcome welcome;
	uint64_t server_time, server_at; /* What it was then, ms; and when. */

	/* Sending. */
	uint32_t last_ref;
	struct core_outgoing *sends, **sends_end;
	size_t send_count;
	uint64_t send_pause; /* Not before, sn_clock_mono(). */

	/* Receiving. */
	char consumer[33]; /* "": none. */
	uint32_t sync_ref;
	bool synced;
	uint64_t position; /* Up to here it is with the user. */
	uint64_t stored;   /* And remembered on the disk. */
	uint64_t seen;     /* Received on this connection. */
	uint64_t acked;    /* Told on this connection. */
	uint64_t acked_at; /* When last, sn_clock_mono(). */
	uint64_t got_frames, got_bytes, granted_frames, granted_bytes;
};

/* A step's outcome. */
enum core_step {
	CORE_STEP_ON,    /* Go on. */
	CORE_STEP_GONE,  /* Go on, but the connection is not there any more. */
	CORE_STEP_WAIT,  /* Nothing can be done now. */
	CORE_STEP_EVENT, /* An event is filled in. */
};

/* core_dial.c */

/** Look the name up and begin with its first address. */
enum core_step core_dial(struct core *core, struct core_event *ev);
/** Go on with the address being tried, or with the next. */
enum core_step core_dial_step(struct core *core, struct core_event *ev);

/* core_wire.c */

/** Begin TLS over core->fd. */
enum core_step core_wire_start(struct core *core, struct core_event *ev);
enum core_step core_wire_shake(struct core *core, struct core_event *ev);
/** Give what is queued to TLS. */
enum core_step core_wire_flush(struct core *core, struct core_event *ev);
/**
 * The next frame: STEP_ON when *${frame} is one.  It stays in core->in until
 * the next core_next.
 */
enum core_step core_wire_frame(
    struct core *core, struct sn_frame *frame, struct core_event *ev);
/** Whether something waits to be written. */
bool core_wire_full(const struct core *core);
/** Room for a frame behind what is queued; core_wire_put takes it. */
struct sn_wr core_wire_writer(struct core *core, size_t size);
/** Queue what was written; a frame without room is lost with its line. */
void core_wire_put(struct core *core, const struct sn_wr *w);
/** The same for a frame in memory that is wiped.  SN_ENOMEM. */
enum sn_err core_wire_secret(
    struct core *core, size_t size, struct sn_wr *w) SN_MUST_USE;
void core_wire_put_secret(struct core *core, const struct sn_wr *w);
/** Forget the connection. */
void core_wire_drop(struct core *core);

/** CORE_PUT(core, ping, .nonce = 1): queue a frame without large fields. */
#define CORE_PUT(core, name, ...)                                     \
	do {                                                          \
		struct sn_frame_##name put_ = { __VA_ARGS__ };        \
		struct sn_wr w_ = core_wire_writer(core, CORE_FRAME); \
                                                                      \
		sn_frame_put_##name(&w_, &put_);                      \
		core_wire_put(core, &w_);                             \
	} while (0)
#define CORE_FRAME 1024

/* core_login.c */

/** The TLS handshake is over: say HELLO. */
void core_login_start(struct core *core);
/** One frame before ready. */
enum core_step core_login_frame(
    struct core *core, const struct sn_frame *frame, struct core_event *ev);
/** AUTH again, after a pause. */
enum core_step core_login_prove(struct core *core, struct core_event *ev);
/** Wipe what is needed to log in only. */
void core_login_wipe(struct core *core);

/* core_session.c */

/** One frame of a ready connection. */
enum core_step core_session_frame(
    struct core *core, const struct sn_frame *frame, struct core_event *ev);
uint32_t core_session_ref(struct core *core);

/* core_send.c */

/** Write what waits, if it may now. */
void core_send_flush(struct core *core);
/** A new connection: all that waits is to be sent again. */
void core_send_again(struct core *core);
/** The server has acted on nothing of what was sent on this connection. */
void core_send_undone(struct core *core);
/** The answer to ${ref} came. */
void core_send_answered(struct core *core, uint32_t ref);
/** Whether ${ref} waits; if so it is sent again after ${ms}. */
bool core_send_later(struct core *core, uint32_t ref, uint64_t ms);
void core_send_free(struct core *core);

/* core_sync.c */

/** A new connection: SYNC again, if there was one. */
void core_sync_again(struct core *core);
enum core_step core_sync_synced(struct core *core, struct core_event *ev);
enum core_step core_sync_deliver(
    struct core *core, size_t size, struct core_event *ev);
/** When the server is to be told how far we are; UINT64_MAX: it knows. */
uint64_t core_sync_due(const struct core *core);
/** Tell it, and that there is room. */
void core_sync_ack(struct core *core);

/* core.c */

/** The connection is lost or the server said BYE ${code}. */
enum core_step core_lost(struct core *core, struct core_event *ev, bool comes);
/** As core_lost, with a sentence of ours. */
enum core_step core_fail(struct core *core, struct core_event *ev,
    enum sn_err err, bool comes, const char *format, ...) SN_PRINTF(5, 6);
/** The server broke the protocol. */
enum core_step core_broken(
    struct core *core, struct core_event *ev, const struct sn_frame *frame);
void core_enter(struct core *core, enum core_state state, uint64_t ns);

#endif
