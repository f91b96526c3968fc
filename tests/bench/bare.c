/*
 * The bare loop: mutual TLS 1.3, epoll, and LMDB where messages are kept,
 * moving the same records as the server without names, rooms, rights or a
 * log.  It is what a server cannot be faster than.
 *
 *	build/bench/bare --port N --chain F --key F --authority F --data D
 *
 * bench/protocol_bare.c says what it speaks, in records as long as the
 * server's; what it keeps is as long, too (commit.h).  It offers in TLS what
 * the server offers.  One thread; one record and one write for all that a
 * connection is sent in a turn; what a turn brought to be kept is one commit,
 * and nothing is read meanwhile.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/buf.h"
#include "lib/tls_internal.h"
#include "tests/bench/commit.h"

enum kind {
	KIND_LOGIN = 1,
	KIND_OPENED,
	KIND_FOLLOW,
	KIND_FOLLOWED,
	KIND_POST,
	KIND_STORE,
	KIND_STORED,
	KIND_RECEIVED,
	KIND_SIGNAL,
	KIND_SIGNALED,
};

#define HEAD 9
#define POST_PADDING 39
#define SIGNAL_PADDING 16
#define PADDING_MAX 59
#define EVERYBODY UINT32_MAX
#define NUMBERS 65536
#define EVENTS 256
#define QUEUE_MAX (64 * 1024 * 1024)

struct conn {
	int fd;
	SSL *ssl;
	struct sn_buf in, out;
	uint32_t number;
	bool shaken, follows, dirty, gone, writing;
	struct conn *next_dirty;
};

/* A message that waits for the commit of this turn. */
struct kept {
	uint32_t from, to;
	size_t at, n; /* Where its record is in the batch's bytes. */
};

struct bare {
	int poll, listener;
	SSL_CTX *ctx;
	struct commit commit;
	struct conn *numbers[NUMBERS]; /* Those that follow or have sent. */
	uint32_t last;
	struct conn *dirty;
	struct kept *kept;
	size_t kept_count, kept_cap;
	struct sn_buf records;
	uint8_t scratch[65536];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void mark(struct bare *b, struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = b->dirty;
	b->dirty = c;
}

static void put(
    struct bare *b, struct conn *c, enum kind kind, const void *body, size_t n)
{
	static const size_t paddings[] = {
		[KIND_STORED] = 14,
		[KIND_RECEIVED] = PADDING_MAX,
		[KIND_SIGNALED] = 22,
	};
	static const uint8_t zeros[PADDING_MAX];
	size_t padding = paddings[kind];
	struct sn_wr w;
	uint8_t *into;

	must(sn_buf_reserve(&c->out, HEAD + padding + n, &into) == SN_OK,
	    "queue");
	w = sn_wr_over(into, HEAD + padding + n);
	sn_wr_u32(&w, (uint32_t)(HEAD - 4 + padding + n));
	sn_wr_u8(&w, (uint8_t)kind);
	sn_wr_u32(&w, c->number);
	sn_wr_put(&w, zeros, padding);
	sn_wr_put(&w, body, n);
	sn_buf_commit(&c->out, w.n);
	mark(b, c);
}

static void route(
    struct bare *b, uint32_t to, enum kind kind, const void *body, size_t n)
{
	if (to != EVERYBODY) {
		if (to < NUMBERS && b->numbers[to] != NULL &&
		    b->numbers[to]->follows)
			put(b, b->numbers[to], kind, body, n);
		return;
	}
	for (uint32_t i = 0; i <= b->last; i++) {
		if (b->numbers[i] != NULL && b->numbers[i]->follows)
			put(b, b->numbers[i], kind, body, n);
	}
}

static void keep(
    struct bare *b, struct conn *c, uint32_t to, const void *body, size_t n)
{
	static const uint8_t around[COMMIT_AROUND];

	if (b->kept_count == b->kept_cap) {
		b->kept_cap = b->kept_cap * 2 + 1024;
		b->kept = realloc(b->kept, b->kept_cap * sizeof(*b->kept));
		must(b->kept != NULL, "memory");
	}
	b->kept[b->kept_count++] =
	    (struct kept){ c->number, to, b->records.len, COMMIT_AROUND + n };
	must(sn_buf_append(&b->records, around, sizeof(around)) == SN_OK &&
		 sn_buf_append(&b->records, body, n) == SN_OK,
	    "batch");
}

static void commit(struct bare *b)
{
	const uint8_t *records;

	if (b->kept_count == 0)
		return;
	records = sn_buf_head(&b->records);
	for (size_t i = 0; i < b->kept_count; i++)
		commit_put(&b->commit, b->kept[i].to, records + b->kept[i].at,
		    b->kept[i].n);
	commit_end(&b->commit);
	for (size_t i = 0; i < b->kept_count; i++) {
		struct kept *k = &b->kept[i];

		if (b->numbers[k->from] != NULL)
			put(b, b->numbers[k->from], KIND_STORED, "", 0);
		route(b, k->to, KIND_RECEIVED, records + k->at + COMMIT_AROUND,
		    k->n - COMMIT_AROUND);
	}
	b->kept_count = 0;
	sn_buf_consume(&b->records, b->records.len);
}

static void log_in(struct bare *b, struct conn *c, uint32_t number)
{
	must(number < NUMBERS, "number");
	c->number = number;
	b->numbers[number] = c;
	if (number > b->last)
		b->last = number;
	put(b, c, KIND_OPENED, "", 0);
}

/* How many of these bytes were whole records. */
static size_t take_all(
    struct bare *b, struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (n - used >= HEAD) {
		struct sn_rd r = sn_rd_over(p + used, n - used);
		uint32_t rest = sn_rd_u32(&r), number;
		uint8_t kind;

		if (rest < HEAD - 4 || r.left < rest)
			break;
		kind = sn_rd_u8(&r);
		number = sn_rd_u32(&r);
		r.left = rest - (HEAD - 4);
		used += 4 + (size_t)rest;
		if (kind == KIND_LOGIN)
			log_in(b, c, number);
		else if (kind == KIND_FOLLOW)
			c->follows = true, put(b, c, KIND_FOLLOWED, "", 0);
		else if (kind == KIND_SIGNAL &&
			 sn_rd_take(&r, SIGNAL_PADDING) != NULL)
			route(b, number, KIND_SIGNALED, r.p, r.left);
		else if (kind == KIND_POST &&
			 sn_rd_take(&r, POST_PADDING) != NULL)
			route(b, number, KIND_RECEIVED, r.p, r.left);
		else if (kind == KIND_STORE &&
			 sn_rd_take(&r, POST_PADDING) != NULL)
			keep(b, c, number, r.p, r.left);
	}
	return (used);
}

/* Only marked: it may still be in the list of the dirty. */
static void hang_up(struct bare *b, struct conn *c)
{
	if (c->gone)
		return;
	c->gone = true;
	if (b->numbers[c->number] == c)
		b->numbers[c->number] = NULL;
	SSL_free(c->ssl);
	(void)close(c->fd);
	mark(b, c);
}

/* Clearing walks the whole queue, which is empty nearly every time. */
static void clear_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

static bool again(struct conn *c, int ret)
{
	int error = SSL_get_error(c->ssl, ret);

	return (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
}

static void watch(struct bare *b, struct conn *c, bool writing)
{
	struct epoll_event ev = { .data.ptr = c,
		.events = EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0) };

	if (c->writing == writing)
		return;
	c->writing = writing;
	(void)epoll_ctl(b->poll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void read_all(struct bare *b, struct conn *c)
{
	size_t n, used;

	for (;;) {
		int ret;

		clear_errors();
		ret = SSL_read_ex(c->ssl, b->scratch, sizeof(b->scratch), &n);
		if (ret != 1) {
			if (!again(c, ret))
				hang_up(b, c);
			return;
		}
		if (c->in.len == 0) {
			used = take_all(b, c, b->scratch, n);
			must(sn_buf_append(
				 &c->in, b->scratch + used, n - used) == SN_OK,
			    "input");
		} else {
			must(sn_buf_append(&c->in, b->scratch, n) == SN_OK,
			    "input");
			sn_buf_consume(&c->in,
			    take_all(b, c, sn_buf_head(&c->in), c->in.len));
		}
		/* Behind a record that is not full there is mostly nothing, and
		 * epoll tells when there is. */
		if (n < SSL3_RT_MAX_PLAIN_LENGTH && !SSL_has_pending(c->ssl))
			return;
	}
}

static void flush(struct bare *b, struct conn *c)
{
	size_t n;
	int ret = 1;

	while (c->out.len > 0 && ret == 1) {
		clear_errors();
		ret =
		    SSL_write_ex(c->ssl, sn_buf_head(&c->out), c->out.len, &n);
		if (ret == 1)
			sn_buf_consume(&c->out, n);
	}
	if (ret != 1 && !again(c, ret))
		hang_up(b, c);
	else
		watch(b, c, c->out.len > 0);
}

static void flush_all(struct bare *b)
{
	struct conn *c;

	while ((c = b->dirty) != NULL) {
		b->dirty = c->next_dirty;
		c->dirty = false;
		if (!c->gone) {
			flush(b, c);
			continue;
		}
		sn_buf_free(&c->in);
		sn_buf_free(&c->out);
		free(c);
	}
}

static void ready(struct bare *b, struct conn *c)
{
	int ret;

	if (c->gone)
		return;
	if (!c->shaken) {
		clear_errors();
		ret = SSL_do_handshake(c->ssl);
		if (ret != 1) {
			if (!again(c, ret))
				hang_up(b, c);
			return;
		}
		c->shaken = true;
	}
	read_all(b, c);
	if (!c->gone && c->writing)
		mark(b, c);
}

static void accept_all(struct bare *b)
{
	int fd, yes = 1;

	while ((fd = accept4(b->listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

		must(c != NULL, "memory");
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		c->fd = fd;
		sn_buf_init(&c->in, QUEUE_MAX);
		sn_buf_init(&c->out, QUEUE_MAX);
		c->ssl = SSL_new(b->ctx);
		must(c->ssl != NULL && SSL_set_fd(c->ssl, fd), "TLS");
		SSL_set_accept_state(c->ssl);
		must(epoll_ctl(b->poll, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll");
	}
}

static SSL_CTX *context(
    const char *chain, const char *key, const char *authority)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	must(ctx != NULL &&
		 SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
		 SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
		 SSL_CTX_use_certificate_chain_file(ctx, chain) == 1 &&
		 SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
		 SSL_CTX_load_verify_locations(ctx, authority, NULL) &&
		 SSL_CTX_set1_groups_list(ctx, SN_TLS_GROUPS) &&
		 SSL_CTX_set_ciphersuites(ctx, SN_TLS_CIPHERS) &&
		 SSL_CTX_set1_sigalgs_list(ctx, SN_TLS_SIGNATURES) &&
		 SSL_CTX_set1_client_sigalgs_list(ctx, SN_TLS_SIGNATURES) &&
		 SSL_CTX_set_num_tickets(ctx, 0),
	    "context");
	(void)SSL_CTX_set_options(ctx, SN_TLS_OPTIONS);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return (ctx);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	must(fd >= 0 &&
		 setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ==
		     0 &&
		 bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		 listen(fd, SOMAXCONN) == 0,
	    "listen");
	return (fd);
}

static void turn(struct bare *b)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(b->poll, events, EVENTS, -1);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == NULL)
			accept_all(b);
		else
			ready(b, events[i].data.ptr);
	}
	commit(b);
	flush_all(b);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 0 },
		{ "chain", required_argument, NULL, 1 },
		{ "key", required_argument, NULL, 2 },
		{ "authority", required_argument, NULL, 3 },
		{ "data", required_argument, NULL, 4 },
		{ NULL, 0, NULL, 0 },
	};
	const char *given[5] = { NULL };
	struct epoll_event ev = { .events = EPOLLIN };
	struct bare *b = calloc(1, sizeof(*b));
	struct rlimit limit;
	int c;

	must(b != NULL, "memory");
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		must(c >= 0 && c < 5, "option");
		given[c] = optarg;
	}
	for (int i = 0; i < 5; i++)
		must(given[i] != NULL, "every option is needed");
	(void)signal(SIGPIPE, SIG_IGN);
	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limit");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	b->ctx = context(given[1], given[2], given[3]);
	b->commit = commit_open(given[4]);
	sn_buf_init(&b->records, QUEUE_MAX);
	b->poll = epoll_create1(EPOLL_CLOEXEC);
	b->listener = listen_on((uint16_t)strtoul(given[0], NULL, 10));
	must(epoll_ctl(b->poll, EPOLL_CTL_ADD, b->listener, &ev) == 0, "epoll");
	for (;;)
		turn(b);
}
