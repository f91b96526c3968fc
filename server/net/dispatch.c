#include "server/net/dispatch.h"
#include "server/net/sess_error.h"

#include "lib/cbor.h"

#define IN(state) (1U << SESS_##state)
#define LOGGED_IN IN(READY)
/* From a session above its account's number, too; see allowance.h. */
#define SURPLUS (1U << SESS_STATES)
/* Reads messages from the log's tables; see settle.h. */
#define READS (1U << (SESS_STATES + 1))
#define EARLY_ON (IN(AUTH) | IN(CHOOSE) | IN(READY))

/* The ref of a request we do not take, where the client gave one.  What
 * these begin with is something else. */
static bool find_ref(const struct sn_frame *frame, uint64_t *ref)
{
	struct sn_rd r = frame->rd;

	switch (frame->type) {
	case SN_FRAME_HELLO:
	case SN_FRAME_AUTH:
	case SN_FRAME_RESUME:
	case SN_FRAME_ACK:
	case SN_FRAME_CREDIT:
	case SN_FRAME_PING:
	case SN_FRAME_PONG:
	case SN_FRAME_BYE:
		return (false);
	default:
		break;
	}
	if (frame->fields == 0)
		return (false);
	*ref = sn_cbor_get_uint(&r);
	return (!r.bad && *ref <= UINT32_MAX);
}

static void refuse(struct sess *s, const struct sn_frame *frame,
    const char *code, const char *text)
{
	uint64_t ref;

	if (s->state != SESS_READY)
		sess_bye(s, code, text);
	else
		sess_error(s, find_ref(frame, &ref) ? &ref : NULL, code, text);
}

void dispatch_bad(
    struct sess *s, const struct sn_frame *frame, const char *text)
{
	refuse(s, frame, "bad-frame", text);
}

static void on_ping(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_ping ping;
	struct sn_frame_pong pong;
	struct sn_wr w;

	if (!sn_frame_get_ping(frame, &ping)) {
		dispatch_bad(s, frame, "PING needs a nonce");
		return;
	}
	pong = (struct sn_frame_pong){ .nonce = ping.nonce };
	w = sess_put(s, 32);
	sn_frame_put_pong(&w, &pong);
	sess_put_end(s, &w);
}

static void on_pong(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_pong pong;

	/* That something came is what counts; sess_in.c has noted it. */
	if (!sn_frame_get_pong(frame, &pong))
		dispatch_bad(s, frame, "PONG needs a nonce");
}

static void on_bye(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_bye bye;

	if (!sn_frame_get_bye(frame, &bye)) {
		dispatch_bad(s, frame, "BYE needs a code and a text");
		return;
	}
	sess_bye(s, "bye", "goodbye");
}

static const struct row {
	void (*handler)(struct sess *s, const struct sn_frame *frame);
	unsigned states;
	size_t max; /* Bytes of the frame without its length. */
} rows[SN_FRAME_TYPES] = {
	/* clang-format off */
	[SN_FRAME_HELLO]        = { login_on_hello,    IN(HELLO),  4096 },
	[SN_FRAME_AUTH]         = { login_on_auth,     IN(AUTH),   2048 },
	[SN_FRAME_RESUME]       = { login_on_resume,   IN(AUTH),   1024 },
	[SN_FRAME_PASSWORD]     = { login_on_password,
				    IN(CHOOSE) | IN(READY),        4096 },
	[SN_FRAME_LOGOUT]       = { login_on_logout,   LOGGED_IN,  1024 },
	[SN_FRAME_SEND]         = { send_on_send,      LOGGED_IN,
				    SN_FRAME_MAX },
	[SN_FRAME_SYNC]         = { follow_on_sync,
				    LOGGED_IN | SURPLUS | READS,   1024 },
	[SN_FRAME_ACK]          = { follow_on_ack,     LOGGED_IN,  1024 },
	[SN_FRAME_CREDIT]       = { follow_on_credit,  LOGGED_IN,  1024 },
	[SN_FRAME_HISTORY]      = { history_on_history,
				    LOGGED_IN | READS,             1024 },
	[SN_FRAME_READ]         = { receipt_read_on_read,  LOGGED_IN,  1024 },
	[SN_FRAME_RECEIPTS]     = { receipt_query_on_receipts,
				    LOGGED_IN | READS,             1024 },
	[SN_FRAME_SIGNAL]       = { signals_on_signal, LOGGED_IN,  1024 },
	[SN_FRAME_DIRECTORY]    = { directory_on_directory, LOGGED_IN, 1024 },
	[SN_FRAME_PRESENCE_SET] = { presence_on_set,   LOGGED_IN,  1024 },
	[SN_FRAME_PRESENCE_GET] = { presence_query_on_get, LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_CREATE]  = { rooms_on_create,   LOGGED_IN,  2048 },
	[SN_FRAME_ROOM_JOIN]    = { rooms_on_join,     LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_LEAVE]   = { rooms_on_leave,    LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_INVITE]  = { rooms_on_invite,   LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_REMOVE]  = { rooms_on_remove,   LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_LIST]    = { room_list_on_list, LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_MEMBERS] = { room_members_on_members,  LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_TOPIC]   = { rooms_on_topic,    LOGGED_IN,  2048 },
	[SN_FRAME_ROOM_DELETE]  = { rooms_on_delete,   LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_HISTORY] = { rooms_on_history,  LOGGED_IN,  1024 },
	[SN_FRAME_ROOM_ROLE]    = { rooms_on_role,     LOGGED_IN,  1024 },
	[SN_FRAME_PING]         = { on_ping, EARLY_ON | SURPLUS,   1024 },
	[SN_FRAME_PONG]         = { on_pong, EARLY_ON | SURPLUS,   1024 },
	[SN_FRAME_BYE]          = { on_bye,  EARLY_ON | SURPLUS,   1024 },
	/* clang-format on */
};

bool dispatch_reads(const struct sn_frame *frame)
{
	return (frame->type < SN_FRAME_TYPES &&
		(rows[frame->type].states & READS) != 0);
}

void dispatch_frame(struct sess *s, const struct sn_frame *frame)
{
	const struct row *row =
	    frame->type < SN_FRAME_TYPES ? &rows[frame->type] : NULL;

	if (row == NULL || row->handler == NULL)
		refuse(s, frame, "unknown-frame",
		    "this server does not know this frame");
	else if (!(row->states & (1U << s->state)))
		refuse(s, frame, "bad-state",
		    "this frame may not come in this state");
	else if (frame->size - SN_FRAME_HEAD > row->max)
		dispatch_bad(
		    s, frame, "this frame is longer than its fields can be");
	else if (s->surplus && !(row->states & SURPLUS))
		allowance_end(s);
	else
		row->handler(s, frame);
}
