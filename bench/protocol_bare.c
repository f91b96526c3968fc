#include "bench/protocol.h"

#include "bench/conn.h"

/*
 * What tests/bench/bare.c speaks, to find out what TLS, epoll and the disk
 * cost without a message server around them: a length, a kind, a number, and
 * a padding that makes the records as long as those of SicherNetz.
 */
enum kind {
	KIND_LOGIN = 1, /* Number: the connection's. */
	KIND_OPENED,
	KIND_FOLLOW,
	KIND_FOLLOWED,
	KIND_POST,  /* Number: the receiver's connection. */
	KIND_STORE, /* The same, to be written and acknowledged. */
	KIND_STORED,
	KIND_RECEIVED,
	KIND_SIGNAL,   /* As POST, and SIGNALED as RECEIVED, but as short as */
	KIND_SIGNALED, /* those of SicherNetz. */
};

#define HEAD 9 /* Length of the rest, kind, number. */
#define POST_PADDING 39
#define RECEIVED_PADDING 59
#define SIGNAL_PADDING 16
#define SIGNALED_PADDING 22
#define SIGNAL_MAX 256 /* Longer ones and those to a room are none. */
#define EVERYBODY UINT32_MAX

static void put_head(struct sn_wr *w, size_t rest, enum kind kind, uint32_t n)
{
	sn_wr_u32(w, (uint32_t)(HEAD - 4 + rest));
	sn_wr_u8(w, (uint8_t)kind);
	sn_wr_u32(w, n);
}

static void put_short(struct conn *c, enum kind kind)
{
	struct sn_wr w = conn_put(c, HEAD);

	put_head(&w, 0, kind, c->number);
	conn_put_end(c, &w);
}

static void login(struct conn *c)
{
	put_short(c, KIND_LOGIN);
}

static void follow(struct conn *c, const char *room)
{
	(void)room;
	put_short(c, KIND_FOLLOW);
}

static enum kind kind_of(const struct conn *c, const struct post *post)
{
	if (c->house->durable)
		return (KIND_STORE);
	return (
	    post->room || post->body.n > SIGNAL_MAX ? KIND_POST : KIND_SIGNAL);
}

static void publish(struct conn *c, const struct post *post)
{
	static const uint8_t zeros[POST_PADDING];
	enum kind kind = kind_of(c, post);
	size_t padding = kind == KIND_SIGNAL ? SIGNAL_PADDING : POST_PADDING;
	struct sn_wr w = conn_put(c, HEAD + padding + post->body.n);

	put_head(&w, padding + post->body.n, kind,
	    post->room ? EVERYBODY : post->number);
	sn_wr_put(&w, zeros, padding);
	sn_wr_put(&w, post->body.p, post->body.n);
	conn_put_end(c, &w);
}

static bool received(struct conn *c, struct sn_rd *r, size_t padding)
{
	(void)sn_rd_take(r, padding);
	if (r->bad)
		return (false);
	conn_received(c, (struct sn_bytes){ r->p, r->left });
	return (true);
}

static size_t take(struct conn *c, const uint8_t *p, size_t n)
{
	struct sn_rd r = sn_rd_over(p, n);
	uint32_t rest = sn_rd_u32(&r);
	uint8_t kind;

	if (r.bad)
		return (0);
	if (rest < HEAD - 4 || rest > CONN_SCRATCH)
		return (PROTOCOL_BROKEN);
	if (r.left < rest)
		return (0);
	kind = sn_rd_u8(&r);
	(void)sn_rd_u32(&r);
	r.left = rest - (HEAD - 4);
	switch (kind) {
	case KIND_OPENED:
		conn_opened(c);
		break;
	case KIND_FOLLOWED:
		conn_readied(c);
		break;
	case KIND_STORED:
		conn_stored(c);
		break;
	case KIND_RECEIVED:
		if (!received(c, &r, RECEIVED_PADDING))
			return (PROTOCOL_BROKEN);
		break;
	case KIND_SIGNALED:
		if (!received(c, &r, SIGNALED_PADDING))
			return (PROTOCOL_BROKEN);
		break;
	default:
		return (PROTOCOL_BROKEN);
	}
	return (4 + (size_t)rest);
}

const struct protocol protocol_bare = {
	.name = "bare",
	.lossy_rooms = true,
	.login = login,
	.take = take,
	.follow = follow,
	.publish = publish,
};
