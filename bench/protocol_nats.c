#include "bench/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/conn.h"

/*
 * NATS, as its client protocol is documented: lines, and payloads of a told
 * length.  What is not kept goes to the subjects to.NAME and room.NAME; what
 * is goes to kept.to.NAME and so on, all of which one JetStream stream
 * stores, acknowledging into the sender's inbox.
 */
#define STREAM                                                       \
	"{\"name\":\"bench\",\"subjects\":[\"kept.>\"],\"storage\":" \
	"\"file\",\"retention\":\"limits\",\"num_replicas\":1}"
#define CONNECT                                                          \
	"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\"" \
	":true,\"name\":\"sicher-bench\",\"lang\":\"c\",\"version\":"    \
	"\"1\",\"protocol\":1}\r\n"
#define LINE_MAX_ 1024

enum sid { SID_INBOX = 1, SID_OWN, SID_ROOM };

static void put_line(struct conn *c, const char *format, ...) SN_PRINTF(2, 3);

static void put_line(struct conn *c, const char *format, ...)
{
	struct sn_wr w = conn_put(c, LINE_MAX_);
	va_list ap;
	int n;

	va_start(ap, format);
	n = w.cap > 0 ? vsnprintf((char *)w.p, w.cap, format, ap) : -1;
	va_end(ap);
	if (n < 0 || (size_t)n >= w.cap)
		w.bad = true;
	else
		w.n = (size_t)n;
	conn_put_end(c, &w);
}

static const char *kept(const struct conn *c)
{
	return (c->house->durable ? "kept." : "");
}

static void login(struct conn *c)
{
	put_line(c, "%s", CONNECT);
	if (c->house->durable)
		put_line(c, "SUB _INBOX.%u.* %d\r\n", c->number, SID_INBOX);
	put_line(c, "PING\r\n");
}

static void follow(struct conn *c, const char *room)
{
	put_line(c, "SUB %sto.%s %d\r\n", kept(c), c->person->name, SID_OWN);
	if (room != NULL)
		put_line(c, "SUB %sroom.%s %d\r\n", kept(c), room, SID_ROOM);
	put_line(c, "PING\r\n");
}

static void keep(struct conn *c)
{
	put_line(c,
	    "PUB $JS.API.STREAM.CREATE.bench _INBOX.%u.api %zu\r\n%s\r\n",
	    c->number, sizeof(STREAM) - 1, STREAM);
}

static void publish(struct conn *c, const struct post *post)
{
	struct sn_wr w = conn_put(c, LINE_MAX_ + post->body.n);
	const char *kind = post->room ? "room" : "to";
	char line[LINE_MAX_];
	int n;

	if (c->house->durable)
		n = snprintf(line, sizeof(line),
		    "PUB kept.%s.%s _INBOX.%u.ack %zu\r\n", kind, post->to,
		    c->number, post->body.n);
	else
		n = snprintf(line, sizeof(line), "PUB %s.%s %zu\r\n", kind,
		    post->to, post->body.n);
	sn_wr_put(&w, line, (size_t)n);
	sn_wr_put(&w, post->body.p, post->body.n);
	sn_wr_put(&w, "\r\n", 2);
	conn_put_end(c, &w);
}

static void take_pong(struct conn *c)
{
	if (c->state == CONN_LOGGING_IN)
		conn_opened(c);
	else
		conn_readied(c);
}

/* An acknowledgement, or the answer about the stream; both are JSON. */
static void take_inbox(struct conn *c, bool ack, struct sn_bytes body)
{
	if (memmem(body.p, body.n, "\"error\"", 7) != NULL)
		conn_end(c, false, "JetStream answered %.*s", (int)body.n,
		    (const char *)body.p);
	else if (ack)
		conn_stored(c);
	else
		conn_readied(c);
}

/* MSG <subject> <sid> [reply] <bytes>, and behind it the payload. */
static size_t take_message(
    struct conn *c, const uint8_t *p, size_t line, size_t n)
{
	const char *sid = memchr(p + 4, ' ', line - 4), *size;
	size_t bytes;
	char *end;

	size = memrchr(p, ' ', line);
	if (sid == NULL || size == NULL || size <= sid)
		return (PROTOCOL_BROKEN);
	bytes = strtoul(size + 1, &end, 10);
	if (end == size + 1 || end != (const char *)p + line - 2 ||
	    bytes > CONN_SCRATCH)
		return (PROTOCOL_BROKEN);
	if (n - line < bytes + 2)
		return (0);
	if (memcmp(p + line + bytes, "\r\n", 2) != 0)
		return (PROTOCOL_BROKEN);
	if (strtol(sid + 1, NULL, 10) == SID_INBOX)
		take_inbox(
		    c, sid[-1] == 'k', (struct sn_bytes){ p + line, bytes });
	else
		conn_received(c, (struct sn_bytes){ p + line, bytes });
	return (line + bytes + 2);
}

static bool begins(const uint8_t *p, size_t line, const char *word)
{
	size_t n = strlen(word);

	return (line >= n && memcmp(p, word, n) == 0);
}

static size_t take(struct conn *c, const uint8_t *p, size_t n)
{
	const uint8_t *newline = memchr(p, '\n', n);
	size_t line;

	if (newline == NULL)
		return (n > 2 * CONN_SCRATCH ? PROTOCOL_BROKEN : 0);
	line = (size_t)(newline - p) + 1;
	if (line < 2 || newline[-1] != '\r')
		return (PROTOCOL_BROKEN);
	if (begins(p, line, "MSG "))
		return (take_message(c, p, line, n));
	if (begins(p, line, "PING"))
		put_line(c, "PONG\r\n");
	else if (begins(p, line, "PONG"))
		take_pong(c);
	else if (begins(p, line, "-ERR"))
		conn_end(c, false, "%s: the server said %.*s", c->person->name,
		    (int)line - 2, (const char *)p);
	else if (!begins(p, line, "INFO") && !begins(p, line, "+OK"))
		return (PROTOCOL_BROKEN);
	return (line);
}

const struct protocol protocol_nats = {
	.name = "nats",
	.greets = true,
	.lossy_rooms = true,
	.login = login,
	.take = take,
	.follow = follow,
	.keep = keep,
	.publish = publish,
};
