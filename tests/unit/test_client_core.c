#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/core.h"
#include "lib/buf.h"
#include "tests/unit/pki.h"

/*
 * The core and a server of our own in one thread, over TCP on the loopback:
 * what each says is pumped until the expected thing has happened.
 */
#define ROUNDS 20000

static struct pki ca, server_id, alice;
static struct sn_tls_context *server_tls, *client_tls;
static char dir[] = "/tmp/test-core-XXXXXX";

struct peer {
	int listener, fd;
	char port[8];
	struct sn_tls *tls;
	bool shaken;
	struct sn_buf in;
	size_t taken;
	struct sn_frame frame; /* The last one received. */
	struct core *core;
	struct core_event ev; /* The last event. */
};

static int lets_in(void *arg, X509 *leaf, STACK_OF(X509) * chain)
{
	(void)arg;
	(void)leaf;
	(void)chain;
	return (SN_TLS_ALERT_NONE);
}

static void peer_listen(struct peer *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(p->listener, 4), 0);
	assert_int_equal(
	    getsockname(p->listener, (struct sockaddr *)&a, &n), 0);
	(void)snprintf(p->port, sizeof(p->port), "%u", ntohs(a.sin_port));
}

static void peer_hang_up(struct peer *p)
{
	sn_tls_free(p->tls);
	p->tls = NULL;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	p->shaken = false;
	sn_buf_consume(&p->in, p->in.len);
	p->taken = 0;
}

static void peer_open(struct peer *p)
{
	struct core_config config = { 0 };

	memset(p, 0, sizeof(*p));
	p->fd = -1;
	sn_buf_init(&p->in, 1U << 20);
	peer_listen(p);
	config.host = "localhost";
	config.port = p->port;
	config.tls = client_tls;
	config.reconnect = true;
	config.state_dir = dir;
	assert_int_equal(core_new(&config, &p->core), SN_OK);
	core_start(p->core);
}

static void peer_close(struct peer *p)
{
	core_free(p->core);
	peer_hang_up(p);
	sn_buf_free(&p->in);
	(void)close(p->listener);
}

/* Whether a whole frame came in. */
static bool peer_step(struct peer *p)
{
	uint8_t *into;
	size_t n = 0;

	if (p->fd < 0) {
		p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK);
		if (p->fd < 0)
			return (false);
		assert_int_equal(
		    sn_tls_accept(server_tls, p->fd, lets_in, NULL, &p->tls),
		    SN_OK);
	}
	if (!p->shaken)
		p->shaken = sn_tls_handshake(p->tls) == SN_TLS_OK;
	if (!p->shaken)
		return (false);
	sn_buf_consume(&p->in, p->taken);
	p->taken = 0;
	for (;;) {
		if (p->in.len > 0 &&
		    sn_frame_open(sn_buf_head(&p->in), p->in.len, SN_FRAME_MAX,
			&p->frame) == SN_OK) {
			p->taken = p->frame.size;
			return (true);
		}
		assert_int_equal(sn_buf_reserve(&p->in, 4096, &into), SN_OK);
		if (sn_tls_read(p->tls, into, 4096, &n) != SN_TLS_OK)
			return (false);
		sn_buf_commit(&p->in, n);
	}
}

static void peer_wait(struct peer *p)
{
	struct pollfd all[2] = {
		{ p->fd >= 0 ? p->fd : p->listener, POLLIN, 0 }, { -1, 0, 0 }
	};
	int ms = core_poll(p->core, &all[1]);

	assert_true(poll(all, 2, ms < 0 || ms > 50 ? 50 : ms) >= 0);
}

/* Until the peer has a frame of this type; events must not come first. */
static void hears(struct peer *p, enum sn_frame_type type)
{
	for (int i = 0; i < ROUNDS; i++) {
		assert_false(core_next(p->core, &p->ev));
		if (peer_step(p)) {
			assert_string_equal(
			    sn_frame_name(p->frame.type), sn_frame_name(type));
			return;
		}
		peer_wait(p);
	}
	fail_msg("no %s came", sn_frame_name(type));
}

/* Until the core has an event of this type. */
static void tells(struct peer *p, enum core_type type)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (core_next(p->core, &p->ev)) {
			assert_int_equal(p->ev.type, type);
			return;
		}
		assert_false(peer_step(p));
		peer_wait(p);
	}
	fail_msg("no event came");
}

/* Neither says anything any more. */
static void quiet(struct peer *p)
{
	for (int i = 0; i < 20; i++) {
		assert_false(core_next(p->core, &p->ev));
		assert_false(peer_step(p));
	}
}

#define SAY(p, name, ...)                                                  \
	do {                                                               \
		static uint8_t space_[SN_FRAME_MAX + 4];                   \
		struct sn_frame_##name f_ = { __VA_ARGS__ };               \
		struct sn_wr w_ = sn_wr_over(space_, sizeof(space_));      \
		size_t n_ = 0;                                             \
                                                                           \
		sn_frame_put_##name(&w_, &f_);                             \
		assert_false(w_.bad);                                      \
		assert_int_equal(                                          \
		    sn_tls_write((p)->tls, space_, w_.n, &n_), SN_TLS_OK); \
		assert_int_equal(n_, w_.n);                                \
	} while (0)

#define TEXT(literal) sn_bytes_of(literal)

static void welcomes(struct peer *p)
{
	hears(p, SN_FRAME_HELLO);
	SAY(p, welcome, .version = 1, .server = TEXT("test"),
	    .account = TEXT("alice"), .device = TEXT("laptop"), .now = 1000000,
	    .max_frame = SN_FRAME_MAX);
}

static void logs_in(struct peer *p)
{
	struct sn_frame_auth auth;

	assert_int_equal(core_password(p->core, TEXT("correct horse")), SN_OK);
	welcomes(p);
	hears(p, SN_FRAME_AUTH);
	assert_true(sn_frame_get_auth(&p->frame, &auth));
	assert_true(sn_bytes_equal(auth.password, TEXT("correct horse")));
	SAY(p, ready, .token = TEXT("token"));
	tells(p, CORE_READY);
}

/* It comes back with its token. */
static void comes_back(struct peer *p)
{
	struct sn_frame_resume resume;

	peer_hang_up(p);
	tells(p, CORE_LOST);
	welcomes(p);
	hears(p, SN_FRAME_RESUME);
	assert_true(sn_frame_get_resume(&p->frame, &resume));
	assert_true(sn_bytes_equal(resume.token, TEXT("token")));
	SAY(p, ready, .token = TEXT("token"));
	tells(p, CORE_READY);
}

static struct sn_frame_sync syncs(struct peer *p, uint64_t cursor)
{
	struct sn_frame_sync sync;

	hears(p, SN_FRAME_SYNC);
	assert_true(sn_frame_get_sync(&p->frame, &sync));
	SAY(p, synced, .ref = sync.ref, .cursor = cursor, .head = 1000);
	tells(p, CORE_SYNCED);
	return (sync);
}

static void delivers(struct peer *p, uint64_t number)
{
	SAY(p, deliver, .seq = number, .to = TEXT("alice"), .from = TEXT("bob"),
	    .content_type = TEXT("text/plain"), .body = TEXT("hi"));
}

static uint64_t acked(struct peer *p)
{
	struct sn_frame_ack ack;

	hears(p, SN_FRAME_ACK);
	assert_true(sn_frame_get_ack(&p->frame, &ack));
	return (ack.seq);
}

static void forget(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/main.position", dir);
	(void)unlink(path);
}

static void a_message_is_acknowledged_only_when_it_was_handled(void **state)
{
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	assert_false(syncs(&p, 0).takeover);
	delivers(&p, 7);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(p.ev.message.seq, 7);
	quiet(&p);
	assert_int_equal(core_handled(p.core, 7, NULL), SN_OK);
	assert_int_equal(acked(&p), 7);
	peer_close(&p);
}

static void what_was_handled_soon_after_is_acknowledged_at_the_end(void **state)
{
	struct pollfd pfd;
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	for (uint64_t i = 7; i <= 9; i++) {
		delivers(&p, i);
		tells(&p, CORE_MESSAGE);
		assert_int_equal(core_handled(p.core, i, NULL), SN_OK);
		if (i == 7)
			assert_int_equal(acked(&p), 7);
	}
	quiet(&p);
	/* But it wakes for it. */
	assert_in_range(core_poll(p.core, &pfd), 0, 1001);
	core_bye(p.core);
	assert_int_equal(acked(&p), 9);
	hears(&p, SN_FRAME_BYE);
	peer_close(&p);
}

static void what_cannot_be_remembered_is_not_acknowledged(void **state)
{
	struct peer p;
	struct sn_why why;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "nosuch/main", false);
	(void)syncs(&p, 0);
	delivers(&p, 7);
	tells(&p, CORE_MESSAGE);
	assert_int_not_equal(core_handled(p.core, 7, &why), SN_OK);
	assert_true(why.text[0] != '\0');
	peer_close(&p);
}

static void a_message_delivered_again_is_told_once(void **state)
{
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	delivers(&p, 7);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(core_handled(p.core, 7, NULL), SN_OK);
	assert_int_equal(acked(&p), 7);
	delivers(&p, 7);
	quiet(&p);

	/* The ACK was lost with the connection. */
	comes_back(&p);
	assert_true(syncs(&p, 0).takeover);
	delivers(&p, 7);
	assert_int_equal(acked(&p), 7);
	delivers(&p, 8);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(p.ev.message.seq, 8);
	peer_close(&p);

	/* And by another process, which has only what is on the disk. */
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	delivers(&p, 7);
	delivers(&p, 8);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(p.ev.message.seq, 8);
	peer_close(&p);
}

static void a_message_that_is_over_is_not_told(void **state)
{
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	/* By the clock of the server, which says 1,000,000 at WELCOME. */
	SAY(&p, deliver, .seq = 7, .to = TEXT("alice"), .from = TEXT("bob"),
	    .content_type = TEXT("text/plain"), .expires = 1000000);
	quiet(&p);
	SAY(&p, deliver, .seq = 8, .to = TEXT("alice"), .from = TEXT("bob"),
	    .content_type = TEXT("text/plain"), .expires = 2000000);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(p.ev.message.seq, 8);
	assert_int_equal(p.ev.message.expires, 2000000);
	assert_int_equal(core_handled(p.core, 8, NULL), SN_OK);
	assert_int_equal(acked(&p), 8);
	peer_close(&p);
}

static void a_message_told_but_not_handled_comes_again(void **state)
{
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	delivers(&p, 7);
	tells(&p, CORE_MESSAGE);
	comes_back(&p);
	(void)syncs(&p, 0);
	delivers(&p, 7);
	tells(&p, CORE_MESSAGE);
	assert_int_equal(p.ev.message.seq, 7);
	peer_close(&p);
}

static void a_log_that_was_set_back_does_not_hide_messages(void **state)
{
	struct peer p;
	struct sn_frame_sync sync;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	(void)syncs(&p, 0);
	assert_int_equal(core_handled(p.core, 900, NULL), SN_OK);
	comes_back(&p);
	hears(&p, SN_FRAME_SYNC);
	assert_true(sn_frame_get_sync(&p.frame, &sync));
	SAY(&p, synced, .ref = sync.ref, .cursor = 3, .head = 5);
	tells(&p, CORE_SYNCED);
	assert_true(p.ev.again);
	delivers(&p, 6);
	tells(&p, CORE_MESSAGE);
	peer_close(&p);
}

static void credit_is_given_as_messages_are_handled(void **state)
{
	struct sn_frame_credit credit;
	struct sn_frame_sync sync;
	struct peer p;

	(void)state;
	forget();
	peer_open(&p);
	logs_in(&p);
	core_sync(p.core, "main", false);
	sync = syncs(&p, 0);
	for (uint64_t i = 1; i <= sync.frames; i++) {
		delivers(&p, i);
		tells(&p, CORE_MESSAGE);
	}
	quiet(&p);
	assert_int_equal(core_handled(p.core, sync.frames, NULL), SN_OK);
	assert_int_equal(acked(&p), sync.frames);
	hears(&p, SN_FRAME_CREDIT);
	assert_true(sn_frame_get_credit(&p.frame, &credit));
	assert_true(credit.frames == 2 * sync.frames);
	assert_true(credit.bytes > sync.bytes);
	peer_close(&p);
}

static struct sn_frame_send posts(struct peer *p)
{
	struct sn_frame_send send;

	hears(p, SN_FRAME_SEND);
	assert_true(sn_frame_get_send(&p->frame, &send));
	assert_true(sn_bytes_equal(send.body, TEXT("hello")));
	return (send);
}

static void a_message_not_known_to_be_stored_is_sent_again(void **state)
{
	struct core_message m = { .to = "bob", .type = "text/plain" };
	struct sn_frame_send send;
	struct peer p;
	uint32_t ref;

	(void)state;
	m.body = TEXT("hello");
	core_id(m.id);
	peer_open(&p);
	logs_in(&p);
	assert_int_equal(core_send(p.core, &m, &ref), SN_OK);
	send = posts(&p);
	assert_memory_equal(send.id, m.id, SN_FRAME_ID);
	comes_back(&p);
	send = posts(&p);
	assert_memory_equal(send.id, m.id, SN_FRAME_ID);
	SAY(&p, stored, .ref = send.ref, .seq = 9, .duplicate = true);
	tells(&p, CORE_STORED);
	assert_int_equal(p.ev.ref, ref);
	assert_int_equal(p.ev.stored.seq, 9);
	assert_int_equal(core_sends(p.core), 0);

	/* Once stored, never again. */
	comes_back(&p);
	quiet(&p);
	peer_close(&p);
}

static void a_message_refused_for_its_rate_is_sent_later(void **state)
{
	struct core_message m = { .to = "bob", .type = "text/plain" };
	struct sn_frame_send send;
	struct peer p;
	uint32_t ref;

	(void)state;
	m.body = TEXT("hello");
	peer_open(&p);
	logs_in(&p);
	assert_int_equal(core_send(p.core, &m, &ref), SN_OK);
	send = posts(&p);
	SAY(&p, error, .ref = { true, send.ref }, .code = TEXT("rate"),
	    .retry_ms = { true, 20 });
	send = posts(&p);
	SAY(&p, error, .ref = { true, send.ref },
	    .code = TEXT("unknown-target"));
	tells(&p, CORE_REFUSED);
	assert_int_equal(p.ev.ref, ref);
	assert_int_equal(p.ev.err, SN_ENOTFOUND);
	assert_int_equal(core_sends(p.core), 0);
	peer_close(&p);
}

static void a_refused_token_is_followed_by_the_password(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	logs_in(&p);
	peer_hang_up(&p);
	tells(&p, CORE_LOST);
	welcomes(&p);
	hears(&p, SN_FRAME_RESUME);
	SAY(&p, error, .ref = { false, 0 }, .code = TEXT("token-refused"));
	tells(&p, CORE_PASSWORD);
	assert_false(p.ev.again);
	assert_int_equal(core_password(p.core, TEXT("pw")), SN_OK);
	hears(&p, SN_FRAME_AUTH);
	SAY(&p, error, .ref = { false, 0 }, .code = TEXT("auth-failed"));
	tells(&p, CORE_PASSWORD);
	assert_true(p.ev.again);
	peer_close(&p);
}

static void a_one_time_secret_is_exchanged_for_a_password(void **state)
{
	struct sn_frame_password f;
	struct peer p;

	(void)state;
	peer_open(&p);
	assert_int_equal(core_password(p.core, TEXT("secret")), SN_OK);
	welcomes(&p);
	hears(&p, SN_FRAME_AUTH);
	SAY(&p, choose, .no_more_fields = 0);
	tells(&p, CORE_CHOOSE);

	/* The person types for so long that the server gives up. */
	SAY(&p, bye, .code = TEXT("timeout"));
	assert_false(core_next(p.core, &p.ev));
	peer_hang_up(&p);
	assert_int_equal(core_choose(p.core, TEXT("short")), SN_OK);
	welcomes(&p);
	hears(&p, SN_FRAME_AUTH);
	SAY(&p, choose, .no_more_fields = 0);
	hears(&p, SN_FRAME_PASSWORD);
	assert_true(sn_frame_get_password(&p.frame, &f));
	assert_true(sn_bytes_equal(f.old, TEXT("secret")));
	assert_true(sn_bytes_equal(f.fresh, TEXT("short")));
	SAY(&p, error, .ref = { true, f.ref }, .code = TEXT("weak-password"));
	tells(&p, CORE_CHOOSE);
	assert_true(p.ev.again);
	assert_int_equal(core_choose(p.core, TEXT("long enough")), SN_OK);
	hears(&p, SN_FRAME_PASSWORD);
	SAY(&p, ready, .token = TEXT("token"));
	tells(&p, CORE_READY);
	peer_close(&p);
}

static void a_login_lost_after_the_person_was_asked_begins_anew(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	welcomes(&p);
	tells(&p, CORE_PASSWORD);
	assert_int_equal(core_password(p.core, TEXT("pw")), SN_OK);
	hears(&p, SN_FRAME_AUTH);
	peer_hang_up(&p);
	welcomes(&p);
	hears(&p, SN_FRAME_AUTH);
	peer_close(&p);
}

static void an_end_for_good_is_final_and_another_is_not(void **state)
{
	static const char *const final[] = { "revoked", "disabled", "kicked",
		"expired", "takeover", "password-reset", "no-such-code" };
	struct peer p;

	(void)state;
	for (size_t i = 0; i < sizeof(final) / sizeof(*final); i++) {
		peer_open(&p);
		logs_in(&p);
		SAY(&p, bye, .code = TEXT(final[i]));
		tells(&p, CORE_OVER);
		assert_string_equal(p.ev.code, final[i]);
		assert_int_not_equal(p.ev.err, SN_OK);
		assert_false(core_next(p.core, &p.ev));
		peer_close(&p);
	}
	peer_open(&p);
	logs_in(&p);
	SAY(&p, bye, .code = TEXT("going-away"));
	tells(&p, CORE_LOST);
	peer_close(&p);
}

static uint32_t sends(struct peer *p)
{
	struct core_message m = {
		.to = "bob", .type = "text/plain", .body = TEXT("hi")
	};
	uint32_t ref;

	core_id(m.id);
	assert_int_equal(core_send(p->core, &m, &ref), SN_OK);
	return (ref);
}

static void what_became_of_an_unanswered_message_is_known_where_it_was_told(
    void **state)
{
	struct peer p;
	uint32_t ref;

	(void)state;
	/* Never sent. */
	peer_open(&p);
	logs_in(&p);
	ref = sends(&p);
	assert_false(core_unsure(p.core, ref));
	/* Sent, and acted on or not. */
	hears(&p, SN_FRAME_SEND);
	assert_true(core_unsure(p.core, ref));
	SAY(&p, bye, .code = TEXT("kicked"));
	tells(&p, CORE_OVER);
	assert_true(core_unsure(p.core, ref));
	peer_close(&p);
	/* One session too many does nothing. */
	peer_open(&p);
	logs_in(&p);
	ref = sends(&p);
	hears(&p, SN_FRAME_SEND);
	SAY(&p, bye, .code = TEXT("limit"));
	tells(&p, CORE_OVER);
	assert_false(core_unsure(p.core, ref));
	peer_close(&p);
	/* But the one before it may have. */
	peer_open(&p);
	logs_in(&p);
	ref = sends(&p);
	hears(&p, SN_FRAME_SEND);
	comes_back(&p);
	hears(&p, SN_FRAME_SEND);
	SAY(&p, bye, .code = TEXT("limit"));
	tells(&p, CORE_OVER);
	assert_true(core_unsure(p.core, ref));
	peer_close(&p);
}

static void a_first_connection_that_fails_is_the_end(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	(void)close(p.listener);
	p.listener = -1;
	for (int i = 0; i < ROUNDS && !core_next(p.core, &p.ev); i++)
		peer_wait(&p);
	assert_int_equal(p.ev.type, CORE_OVER);
	assert_int_equal(p.ev.err, SN_ECLOSED);
	assert_non_null(strstr(p.ev.why.text, "localhost port"));
	peer_close(&p);
}

static void a_frame_that_is_none_ends_it_and_an_unknown_one_does_not(
    void **state)
{
	static const uint8_t later[] = { 0, 0, 0, 4, 0x82, 0x18, 60, 1 };
	static const uint8_t wrong[] = { 0, 0, 0, 2, 0x81, 17 };
	struct peer p;
	size_t n;

	(void)state;
	peer_open(&p);
	logs_in(&p);
	assert_int_equal(
	    sn_tls_write(p.tls, later, sizeof(later), &n), SN_TLS_OK);
	quiet(&p);
	assert_int_equal(
	    sn_tls_write(p.tls, wrong, sizeof(wrong), &n), SN_TLS_OK);
	tells(&p, CORE_OVER);
	assert_int_equal(p.ev.err, SN_EPROTO);
	assert_non_null(strstr(p.ev.why.text, "STORED"));
	peer_close(&p);
}

static void a_ping_is_answered_and_a_goodbye_said(void **state)
{
	struct sn_frame_pong pong;
	struct peer p;

	(void)state;
	peer_open(&p);
	logs_in(&p);
	SAY(&p, ping, .nonce = 77);
	hears(&p, SN_FRAME_PONG);
	assert_true(sn_frame_get_pong(&p.frame, &pong));
	assert_int_equal(pong.nonce, 77);
	core_bye(p.core);
	hears(&p, SN_FRAME_BYE);
	peer_hang_up(&p);
	tells(&p, CORE_OVER);
	assert_int_equal(p.ev.err, SN_OK);
	peer_close(&p);
}

static int set_up(void **state)
{
	struct sn_tls_identity who = { 0 };
	struct sn_bytes chain;

	(void)state;
	ca = pki_ca(NULL, "Test CA");
	server_id = pki_server(&ca, "DNS:localhost");
	alice = pki_client(&ca, "alice");
	chain = pki_pem(server_id.cert, ca.cert);
	assert_int_equal(
	    sn_tls_server_new(chain, server_id.key, &server_tls, NULL), SN_OK);
	pki_drop(&chain);
	who.authority = pki_pem(ca.cert, NULL);
	who.certificate = pki_pem(alice.cert, NULL);
	who.key = pki_key_pem(alice.key, NULL);
	assert_int_equal(sn_tls_client_new(&who, &client_tls, NULL), SN_OK);
	pki_drop(&who.authority);
	pki_drop(&who.certificate);
	pki_drop(&who.key);
	return (mkdtemp(dir) == NULL ? -1 : 0);
}

static int tear_down(void **state)
{
	(void)state;
	sn_tls_context_free(server_tls);
	sn_tls_context_free(client_tls);
	pki_free(&ca);
	pki_free(&server_id);
	pki_free(&alice);
	forget();
	return (rmdir(dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_message_is_acknowledged_only_when_it_was_handled),
		cmocka_unit_test(
		    what_was_handled_soon_after_is_acknowledged_at_the_end),
		cmocka_unit_test(what_cannot_be_remembered_is_not_acknowledged),
		cmocka_unit_test(a_message_delivered_again_is_told_once),
		cmocka_unit_test(a_message_that_is_over_is_not_told),
		cmocka_unit_test(a_message_told_but_not_handled_comes_again),
		cmocka_unit_test(
		    a_log_that_was_set_back_does_not_hide_messages),
		cmocka_unit_test(credit_is_given_as_messages_are_handled),
		cmocka_unit_test(
		    a_message_not_known_to_be_stored_is_sent_again),
		cmocka_unit_test(a_message_refused_for_its_rate_is_sent_later),
		cmocka_unit_test(a_refused_token_is_followed_by_the_password),
		cmocka_unit_test(a_one_time_secret_is_exchanged_for_a_password),
		cmocka_unit_test(
		    a_login_lost_after_the_person_was_asked_begins_anew),
		cmocka_unit_test(an_end_for_good_is_final_and_another_is_not),
		cmocka_unit_test(
		    what_became_of_an_unanswered_message_is_known_where_it_was_told),
		cmocka_unit_test(a_first_connection_that_fails_is_the_end),
		cmocka_unit_test(
		    a_frame_that_is_none_ends_it_and_an_unknown_one_does_not),
		cmocka_unit_test(a_ping_is_answered_and_a_goodbye_said),
	};

	return (cmocka_run_group_tests(tests, set_up, tear_down));
}
