#include "bench/protocol.h"

#include <stdio.h>
#include <string.h>

#include "bench/conn.h"

/*
 * MQTT 3.1.1 (OASIS, 2014), as much of it as a load needs.  A person's topic
 * is to/NAME, a room's room/NAME.  Subscriptions are of QoS 1, so that each
 * message comes as it was published: durable ones with QoS 1, others with 0.
 */
enum packet {
	PACKET_CONNECT = 0x10,
	PACKET_CONNACK = 0x20,
	PACKET_PUBLISH = 0x30,
	PACKET_PUBACK = 0x40,
	PACKET_SUBSCRIBE = 0x82,
	PACKET_SUBACK = 0x90,
	PACKET_DISCONNECT = 0xe0,
};

#define QOS1 0x02
#define CLEAN_SESSION 0x02
#define SUBACK_REFUSED 0x80
#define TOPIC_MAX 128
#define AROUND 16 /* Bytes around the fields of a packet, at most. */

/* Section 2.2.3: seven bits a byte, the lowest first. */
static void put_length(struct sn_wr *w, size_t n)
{
	do {
		uint8_t low = n % 128;

		n /= 128;
		sn_wr_u8(w, n > 0 ? low | 0x80 : low);
	} while (n > 0);
}

/* How many bytes the length has; 0: incomplete; 5: too long to be one. */
static size_t get_length(const uint8_t *p, size_t n, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < n && i < 4; i++) {
		*length |= (size_t)(p[i] & 0x7f) << (7 * i);
		if (p[i] < 0x80)
			return (i + 1);
	}
	return (n < 4 ? 0 : 5);
}

static void login(struct conn *c)
{
	char id[2 * SN_NAME_MAX + 16];
	struct sn_wr w = conn_put(c, sizeof(id) + AROUND + 12);
	int n = snprintf(id, sizeof(id), "%s-%s-%u", c->person->name,
	    c->person->device, c->nth);

	sn_wr_u8(&w, PACKET_CONNECT);
	put_length(&w, 12 + (size_t)n);
	sn_wr_blob(&w, sn_bytes_of("MQTT"));
	sn_wr_u8(&w, 4);
	/* What is for the absent is kept in their sessions. */
	sn_wr_u8(&w, c->house->durable ? 0 : CLEAN_SESSION);
	sn_wr_u16(&w, 0);
	sn_wr_blob(&w, sn_bytes_of(id));
	conn_put_end(c, &w);
}

static uint16_t next_id(struct conn *c)
{
	c->ref = c->ref % UINT16_MAX + 1;
	return ((uint16_t)c->ref);
}

static struct sn_bytes topic(
    const char *kind, const char *name, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%s", kind, name);
	return (sn_bytes_of(out));
}

static void subscribe(struct conn *c, struct sn_bytes a, struct sn_bytes b)
{
	struct sn_wr w = conn_put(c, a.n + b.n + AROUND);

	sn_wr_u8(&w, PACKET_SUBSCRIBE);
	put_length(&w, 2 + a.n + 3 + (b.n > 0 ? b.n + 3 : 0));
	sn_wr_u16(&w, next_id(c));
	sn_wr_blob(&w, a);
	sn_wr_u8(&w, 1);
	if (b.n > 0) {
		sn_wr_blob(&w, b);
		sn_wr_u8(&w, 1);
	}
	conn_put_end(c, &w);
}

static void follow(struct conn *c, const char *room)
{
	char own[TOPIC_MAX], other[TOPIC_MAX];
	struct sn_bytes none = { NULL, 0 };

	subscribe(c, topic("to", c->person->name, own, sizeof(own)),
	    room != NULL ? topic("room", room, other, sizeof(other)) : none);
}

static void keep(struct conn *c)
{
	follow(c, NULL);
}

static void publish(struct conn *c, const struct post *post)
{
	bool kept = c->house->durable;
	char text[TOPIC_MAX];
	struct sn_bytes to =
	    topic(post->room ? "room" : "to", post->to, text, sizeof(text));
	struct sn_wr w = conn_put(c, to.n + post->body.n + AROUND);

	sn_wr_u8(&w, kept ? PACKET_PUBLISH | QOS1 : PACKET_PUBLISH);
	put_length(&w, 2 + to.n + (kept ? 2 : 0) + post->body.n);
	sn_wr_blob(&w, to);
	if (kept)
		sn_wr_u16(&w, next_id(c));
	sn_wr_put(&w, post->body.p, post->body.n);
	conn_put_end(c, &w);
}

static void take_connack(struct conn *c, struct sn_rd *r)
{
	(void)sn_rd_u8(r);
	if (sn_rd_u8(r) != 0 || r->bad)
		conn_end(c, false,
		    "%s: the server refused the login; does it take the "
		    "certificate for the user's name?",
		    c->person->name);
	else
		conn_opened(c);
}

static void take_suback(struct conn *c, struct sn_rd *r)
{
	(void)sn_rd_u16(r);
	while (r->left > 0) {
		if (sn_rd_u8(r) != SUBACK_REFUSED)
			continue;
		conn_end(c, false, "%s: the server refused the subscription",
		    c->person->name);
		return;
	}
	conn_readied(c);
}

static void take_publish(struct conn *c, uint8_t kind, struct sn_rd *r)
{
	uint16_t id;

	(void)sn_rd_blob(r);
	if ((kind & QOS1) != 0) {
		struct sn_wr w = conn_put(c, 4);

		id = sn_rd_u16(r);
		sn_wr_u8(&w, PACKET_PUBACK);
		sn_wr_u8(&w, 2);
		sn_wr_u16(&w, id);
		conn_put_end(c, &w);
	}
	if (!r->bad && c->state != CONN_CLOSED)
		conn_received(c, (struct sn_bytes){ r->p, r->left });
}

static size_t take(struct conn *c, const uint8_t *p, size_t n)
{
	size_t length, head;
	struct sn_rd r;

	if (n < 2 || (head = get_length(p + 1, n - 1, &length)) == 0)
		return (0);
	if (head == 5)
		return (PROTOCOL_BROKEN);
	if (n - 1 - head < length)
		return (0);
	r = sn_rd_over(p + 1 + head, length);
	switch (p[0] & 0xf0) {
	case PACKET_CONNACK:
		take_connack(c, &r);
		break;
	case PACKET_SUBACK:
		take_suback(c, &r);
		break;
	case PACKET_PUBLISH:
		take_publish(c, p[0], &r);
		break;
	case PACKET_PUBACK:
		conn_stored(c);
		break;
	default:
		return (PROTOCOL_BROKEN);
	}
	return (r.bad ? PROTOCOL_BROKEN : 1 + head + length);
}

static void leave(struct conn *c)
{
	struct sn_wr w = conn_put(c, 2);

	sn_wr_u8(&w, PACKET_DISCONNECT);
	sn_wr_u8(&w, 0);
	conn_put_end(c, &w);
}

const struct protocol protocol_mqtt = {
	.name = "mqtt",
	.lossy_rooms = true,
	.login = login,
	.take = take,
	.follow = follow,
	.keep = keep,
	.publish = publish,
	.leave = leave,
};
