#include "bench/protocol.h"

#include <stdio.h>
#include <string.h>

#include "bench/conn.h"
#include "lib/clock.h"
#include "lib/frame.h"

/*
 * docs/PROTOCOL.md.  Credit and acknowledgements as a good client gives
 * them: a window of two thousand, renewed at its half; an ACK a second at
 * most, and with the credit.
 */
#define WINDOW_FRAMES 2048
#define WINDOW_BYTES (4 * 1024 * 1024)
#define ACK_NS SN_NS_PER_S /* The server stores no oftener. */
#define SMALL_FRAME 512
#define SIGNAL_MAX 256

#define PUT(c, size, name, ...)                                      \
	do {                                                         \
		struct sn_frame_##name put_frame_ = { __VA_ARGS__ }; \
		struct sn_wr put_w_ = conn_put((c), (size));         \
		sn_frame_put_##name(&put_w_, &put_frame_);           \
		conn_put_end((c), &put_w_);                          \
	} while (0)

static void login(struct conn *c)
{
	PUT(c, SMALL_FRAME, hello, .version = 1, .features = SN_FEATURE_SIGNALS,
	    .agent = sn_bytes_of("sicher-bench"));
}

static bool by_token(const struct conn *c)
{
	if (c->house->login == CONN_LOGIN_ANY)
		return (c->person->token_size > 0);
	return (c->house->login == CONN_LOGIN_TOKEN);
}

static void prove(struct conn *c)
{
	const struct sn_secret *password = c->house->password;
	struct person *p = c->person;

	if (by_token(c) && p->token_size > 0)
		PUT(c, SMALL_FRAME, resume,
		    .token = { p->token, p->token_size });
	else if (by_token(c))
		conn_end(c, false,
		    "%s has no resume token; `sicher-bench enrol` gets them",
		    p->name);
	else if (password->len > 0)
		PUT(c, 2048, auth,
		    .password = { password->data, password->len });
	else
		conn_end(c, false,
		    "%s has neither token nor password; give --password-file "
		    "or --tokens",
		    p->name);
}

static void take_ready(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_ready f;

	if (!sn_frame_get_ready(frame, &f))
		return;
	if (f.token.n > 0 && f.token.n <= PEOPLE_TOKEN_MAX) {
		memcpy(c->person->token, f.token.p, f.token.n);
		c->person->token_size = f.token.n;
	}
	conn_opened(c);
}

static void take_deliver(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_deliver f;

	if (!sn_frame_get_deliver(frame, &f))
		return;
	c->seen = f.seq;
	c->frames++;
	c->bytes += frame->size;
	conn_received(c, f.body);
}

static void take_signaled(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_signaled f;

	if (sn_frame_get_signaled(frame, &f))
		conn_received(c, f.data);
}

static void sync(struct conn *c)
{
	char consumer[16];

	/* A device's connections each have a cursor of their own. */
	(void)snprintf(consumer, sizeof(consumer), "bench%u", c->nth);
	c->granted_frames = WINDOW_FRAMES;
	c->granted_bytes = WINDOW_BYTES;
	PUT(c, SMALL_FRAME, sync, .ref = ++c->ref,
	    .consumer = sn_bytes_of(consumer), .frames = c->granted_frames,
	    .bytes = c->granted_bytes, .takeover = true);
}

/* What DONE answers; a room that is there already is as good as new. */
enum step { STEP_NONE, STEP_FOUND, STEP_JOIN, STEP_MEET };

static void answered(struct conn *c)
{
	unsigned step = c->step;

	c->step = STEP_NONE;
	if (step == STEP_FOUND || step == STEP_MEET)
		conn_readied(c);
	else if (step == STEP_JOIN)
		sync(c);
}

static void take_error(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_error f;

	if (!sn_frame_get_error(frame, &f))
		return;
	if (c->state == CONN_OPEN &&
	    sn_bytes_equal(f.code, sn_bytes_of("exists")))
		answered(c);
	else if (c->state == CONN_LOGGING_IN &&
		 sn_bytes_equal(f.code, sn_bytes_of("busy")))
		conn_pause(c, f.retry_ms.set ? f.retry_ms.value : 1000);
	else
		conn_end(c, false, "%s: the server answered %.*s: %.*s",
		    c->person->name, (int)f.code.n, (const char *)f.code.p,
		    (int)f.text.n, (const char *)f.text.p);
}

static void take_bye(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_bye f;

	if (!sn_frame_get_bye(frame, &f))
		return;
	conn_end(c,
	    sn_bytes_equal(f.code, sn_bytes_of("timeout")) ||
		sn_bytes_equal(f.code, sn_bytes_of("going-away")),
	    "%s: the server said goodbye, %.*s: %.*s", c->person->name,
	    (int)f.code.n, (const char *)f.code.p, (int)f.text.n,
	    (const char *)f.text.p);
}

static void take_ping(struct conn *c, const struct sn_frame *frame)
{
	struct sn_frame_ping f;

	if (sn_frame_get_ping(frame, &f))
		PUT(c, SMALL_FRAME, pong, .nonce = f.nonce);
}

static size_t take(struct conn *c, const uint8_t *p, size_t n)
{
	struct sn_frame frame;
	enum sn_err err = sn_frame_open(p, n, SN_FRAME_MAX, &frame);

	if (err == SN_EAGAIN)
		return (0);
	if (err != SN_OK)
		return (PROTOCOL_BROKEN);
	switch (frame.type) {
	case SN_FRAME_DELIVER:
		take_deliver(c, &frame);
		break;
	case SN_FRAME_STORED:
		if (c->step == STEP_MEET)
			answered(c);
		else
			conn_stored(c);
		break;
	case SN_FRAME_SIGNALED:
		take_signaled(c, &frame);
		break;
	case SN_FRAME_WELCOME:
		prove(c);
		break;
	case SN_FRAME_READY:
		take_ready(c, &frame);
		break;
	case SN_FRAME_CHOOSE:
		conn_end(c, false,
		    "%s still has a one-time secret: log in with sicher once",
		    c->person->name);
		break;
	case SN_FRAME_DONE:
		answered(c);
		break;
	case SN_FRAME_SYNCED:
		conn_readied(c);
		break;
	case SN_FRAME_ERROR:
		take_error(c, &frame);
		break;
	case SN_FRAME_BYE:
		take_bye(c, &frame);
		break;
	case SN_FRAME_PING:
		take_ping(c, &frame);
		break;
	default:
		break;
	}
	return (frame.size);
}

static void acknowledge(struct conn *c)
{
	if (c->seen == c->acked)
		return;
	PUT(c, SMALL_FRAME, ack, .seq = c->seen);
	c->acked = c->seen;
	c->acked_at = sn_clock_mono();
}

static void turn(struct conn *c)
{
	if (c->seen > c->acked && sn_clock_mono() - c->acked_at >= ACK_NS)
		acknowledge(c);
	if (c->granted_frames - c->frames > WINDOW_FRAMES / 2 &&
	    c->granted_bytes - c->bytes > WINDOW_BYTES / 2)
		return;
	if (c->granted_frames == 0)
		return;
	acknowledge(c);
	c->granted_frames = c->frames + WINDOW_FRAMES;
	c->granted_bytes = c->bytes + WINDOW_BYTES;
	PUT(c, SMALL_FRAME, credit, .frames = c->granted_frames,
	    .bytes = c->granted_bytes);
}

static struct sn_bytes room_name(const char *room, char *out, size_t size)
{
	(void)snprintf(out, size, "#%s", room);
	return (sn_bytes_of(out));
}

static void found(struct conn *c, const char *room)
{
	char name[SN_NAME_ROOM_MAX + 1];

	c->step = STEP_FOUND;
	PUT(c, SMALL_FRAME, room_create, .ref = ++c->ref,
	    .room = room_name(room, name, sizeof(name)), .open = true,
	    .topic = sn_bytes_of("load"));
}

static void follow(struct conn *c, const char *room)
{
	char name[SN_NAME_ROOM_MAX + 1];

	if (room == NULL) {
		sync(c);
		return;
	}
	c->step = STEP_JOIN;
	PUT(c, SMALL_FRAME, room_join, .ref = ++c->ref,
	    .room = room_name(room, name, sizeof(name)));
}

/* A UUIDv7 (RFC 9562) of time, connection and count: ours alone, ordered. */
static void new_id(struct conn *c, uint8_t *id)
{
	struct sn_wr w = sn_wr_over(id, SN_FRAME_ID);
	uint64_t now = sn_clock_wall_ms();

	sn_wr_u16(&w, (uint16_t)(now >> 32));
	sn_wr_u32(&w, (uint32_t)now);
	sn_wr_u16(&w, (uint16_t)(0x7000 | (c->number >> 12)));
	sn_wr_u16(&w, (uint16_t)(0x8000 | (c->number & 0xfff)));
	sn_wr_u16(&w, (uint16_t)(c->ref >> 32));
	sn_wr_u32(&w, (uint32_t)c->ref);
}

static void send_kept(struct conn *c, const struct post *post)
{
	char name[SN_NAME_ROOM_MAX + 1];
	struct sn_frame_send f = { .ref = (uint32_t)++c->ref,
		.to = post->room ? room_name(post->to, name, sizeof(name))
				 : sn_bytes_of(post->to),
		.content_type = sn_bytes_of("text/plain"),
		.body = post->body };
	struct sn_wr w = conn_put(c, SMALL_FRAME + post->body.n);

	new_id(c, f.id);
	sn_frame_put_send(&w, &f);
	conn_put_end(c, &w);
}

static void publish(struct conn *c, const struct post *post)
{
	if (c->house->durable)
		send_kept(c, post);
	else
		PUT(c, SMALL_FRAME, signal, .ref = (uint32_t)++c->ref,
		    .to = sn_bytes_of(post->to), .kind = sn_bytes_of("bench"),
		    .data = post->body);
}

/* A signal reaches those only with whom one has spoken. */
static void meet(struct conn *c, const char *whom)
{
	struct post post = { .to = whom, .body = sn_bytes_of("hello") };

	c->step = STEP_MEET;
	send_kept(c, &post);
}

static void leave(struct conn *c)
{
	acknowledge(c);
	PUT(c, SMALL_FRAME, bye, .code = sn_bytes_of(""),
	    .text = sn_bytes_of(""));
}

const struct protocol protocol_sicher = {
	.name = "sicher",
	.alpn = true,
	.lossy_max = SIGNAL_MAX,
	.login = login,
	.again = prove,
	.take = take,
	.turn = turn,
	.found = found,
	.follow = follow,
	.meet = meet,
	.publish = publish,
	.leave = leave,
};
