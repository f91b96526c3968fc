#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bench/conn.h"
#include "lib/frame.h"
#include "server/oplog/op.h"
#include "tests/bench/commit.h"

/*
 * The codecs against their specifications: what a server says is given to
 * one, and what it tells and answers is looked at.  There is no socket: an
 * end is told by the state alone.
 */
static struct conn_house house;
static struct person person = { .name = "alice", .device = "laptop" };
static struct sn_secret password;
static struct conn conn;
static unsigned opened, readied, ended;
static char body[64];

static void on_opened(struct conn *c)
{
	(void)c;
	opened++;
}

static void on_readied(struct conn *c)
{
	(void)c;
	readied++;
}

static void on_received(struct conn *c, struct sn_bytes b)
{
	(void)c;
	assert_true(b.n < sizeof(body));
	memcpy(body, b.p, b.n);
	body[b.n] = '\0';
}

static void on_ended(struct conn *c)
{
	(void)c;
	ended++;
}

static void begin(const char *protocol, bool durable)
{
	house = (struct conn_house){
		.protocol = protocol_find(protocol),
		.events = { .opened = on_opened,
		    .readied = on_readied,
		    .received = on_received,
		    .ended = on_ended },
		.password = &password,
		.durable = durable,
	};
	assert_non_null(house.protocol);
	opened = readied = ended = 0;
	body[0] = '\0';
	conn_init(&conn, &house, &person, 7, 0);
	conn.state = CONN_LOGGING_IN;
}

static int finish(void **state)
{
	(void)state;
	sn_buf_free(&conn.in);
	sn_buf_free(&conn.out);
	person.token_size = 0;
	return (0);
}

/* What it has written since the last look is ${n} bytes at ${p}. */
static void wrote(const void *p, size_t n)
{
	assert_int_equal(conn.out.len, n);
	assert_memory_equal(sn_buf_head(&conn.out), p, n);
	sn_buf_consume(&conn.out, n);
}

static void wrote_text(const char *text)
{
	wrote(text, strlen(text));
}

static size_t take(const void *p, size_t n)
{
	return (house.protocol->take(&conn, p, n));
}

/* One whole message; every shorter part of it must be told incomplete.  In
 * memory of its own size, so that a read beyond is found. */
static void hear(const void *p, size_t n)
{
	for (size_t part = 0; part < n; part++) {
		uint8_t *copy = malloc(part + 1);

		memcpy(copy, p, part);
		assert_int_equal(take(copy, part), 0);
		free(copy);
	}
	assert_int_equal(take(p, n), n);
}

static void hear_text(const char *text)
{
	hear(text, strlen(text));
}

static void post(const char *to, bool room, const char *text)
{
	struct post p = {
		.to = to, .number = 9, .room = room, .body = sn_bytes_of(text)
	};

	house.protocol->publish(&conn, &p);
}

static void an_unknown_protocol_is_none(void **state)
{
	(void)state;
	assert_null(protocol_find("smtp"));
	assert_null(protocol_find(""));
}

static void mqtt_logs_in_follows_and_publishes(void **state)
{
	(void)state;
	begin("mqtt", false);
	house.protocol->login(&conn);
	wrote("\x10\x1a\0\4MQTT\4\2\0\0\0\x0e"
	      "alice-laptop-0",
	    28);
	hear("\x20\2\0\0", 4);
	assert_int_equal(opened, 1);
	conn.state = CONN_OPEN;
	house.protocol->follow(&conn, "ops");
	wrote("\x82\x18\0\1\0\x08to/alice\1\0\x08room/ops\1", 26);
	hear("\x90\4\0\1\1\1", 6);
	assert_int_equal(readied, 1);
	post("bob", false, "hi");
	wrote("\x30\x0a\0\6to/bobhi", 12);
	hear("\x30\x0c\0\x08to/alicehi", 14);
	assert_string_equal(body, "hi");
	assert_int_equal(conn.out.len, 0);
}

static void mqtt_acknowledges_what_is_kept(void **state)
{
	(void)state;
	begin("mqtt", true);
	house.protocol->login(&conn);
	/* No clean session: it outlives the connection. */
	assert_int_equal(sn_buf_head(&conn.out)[9], 0);
	sn_buf_consume(&conn.out, conn.out.len);
	conn.state = CONN_OPEN;
	post("bob", false, "hi");
	wrote("\x32\x0c\0\6to/bob\0\1hi", 14);
	hear("\x40\2\0\1", 4);
	assert_int_equal(conn.stored, 1);
	hear("\x32\x0e\0\x08to/alice\0\5hi", 16);
	assert_string_equal(body, "hi");
	wrote("\x40\2\0\5", 4);
}

static void mqtt_numbers_packets_from_one_to_65535(void **state)
{
	(void)state;
	begin("mqtt", true);
	conn.state = CONN_OPEN;
	conn.ref = 65534;
	post("bob", false, "");
	wrote("\x32\x0a\0\6to/bob\xff\xff", 12);
	post("bob", false, "");
	wrote("\x32\x0a\0\6to/bob\0\1", 12);
}

static void mqtt_long_lengths_have_several_bytes(void **state)
{
	static const uint8_t text[200];
	struct post p = { .to = "bob", .body = { text, sizeof(text) } };

	(void)state;
	begin("mqtt", false);
	conn.state = CONN_OPEN;
	house.protocol->publish(&conn, &p);
	assert_memory_equal(sn_buf_head(&conn.out), "\x30\xd0\1\0\6to/bob", 11);
	assert_int_equal(conn.out.len, 211);
}

static void mqtt_refusals_end_the_connection(void **state)
{
	(void)state;
	begin("mqtt", false);
	hear("\x20\2\0\5", 4); /* Not authorized. */
	assert_int_equal(ended, 1);
	assert_int_equal(opened, 0);
	begin("mqtt", false);
	conn.state = CONN_OPEN;
	hear("\x90\3\0\1\x80", 5);
	assert_int_equal(ended, 1);
	assert_int_equal(readied, 0);
}

static void mqtt_rubbish_is_broken(void **state)
{
	(void)state;
	begin("mqtt", false);
	conn.state = CONN_OPEN;
	assert_true(take("\xf0\0", 2) == PROTOCOL_BROKEN);
	assert_true(take("\x30\xff\xff\xff\xff\x7f", 6) == PROTOCOL_BROKEN);
	/* A topic longer than its packet. */
	assert_true(take("\x30\3\0\x08t", 5) == PROTOCOL_BROKEN);
	assert_string_equal(body, "");
}

static void nats_logs_in_follows_and_publishes(void **state)
{
	(void)state;
	begin("nats", false);
	house.protocol->login(&conn);
	assert_memory_equal(sn_buf_head(&conn.out), "CONNECT {", 9);
	assert_memory_equal(
	    sn_buf_head(&conn.out) + conn.out.len - 9, "}\r\nPING\r\n", 9);
	sn_buf_consume(&conn.out, conn.out.len);
	hear_text("INFO {}\r\n");
	assert_int_equal(opened, 0);
	hear_text("PONG\r\n");
	assert_int_equal(opened, 1);
	conn.state = CONN_OPEN;
	house.protocol->follow(&conn, "ops");
	wrote_text("SUB to.alice 2\r\nSUB room.ops 3\r\nPING\r\n");
	hear_text("PONG\r\n");
	assert_int_equal(readied, 1);
	post("bob", false, "hi");
	wrote_text("PUB to.bob 2\r\nhi\r\n");
	hear_text("MSG to.alice 2 2\r\nhi\r\n");
	assert_string_equal(body, "hi");
	hear_text("PING\r\n");
	sn_buf_consume(&conn.out, conn.out.len - 6);
	wrote_text("PONG\r\n");
}

static void nats_acknowledgements_come_into_the_inbox(void **state)
{
	(void)state;
	begin("nats", true);
	conn.state = CONN_OPEN;
	post("ops", true, "hi");
	wrote_text("PUB kept.room.ops _INBOX.7.ack 2\r\nhi\r\n");
	hear_text(
	    "MSG _INBOX.7.ack 1 26\r\n{\"stream\":\"bench\",\"seq\":1}\r\n");
	assert_int_equal(conn.stored, 1);
	assert_string_equal(body, "");
	hear_text("MSG _INBOX.7.api 1 2\r\n{}\r\n");
	assert_int_equal(readied, 1);
	hear_text("MSG _INBOX.7.ack 1 12\r\n{\"error\":{}}\r\n");
	assert_int_equal(conn.stored, 1);
	assert_int_equal(ended, 1);
}

static void nats_a_message_with_a_reply_has_its_length_last(void **state)
{
	(void)state;
	begin("nats", false);
	conn.state = CONN_OPEN;
	hear_text("MSG to.alice 2 _INBOX.9 4\r\na\r\nb\r\n");
	assert_string_equal(body, "a\r\nb");
}

static void nats_rubbish_is_broken(void **state)
{
	static const char *const all[] = { "\n", "HELLO\r\n", "PONG\n",
		"MSG to.alice\r\n", "MSG to.alice 2 x\r\n",
		"MSG to.alice 2 99999999999\r\n", "MSG to.alice 2 \r\n",
		"MSG to.alice 2 2\r\nhi!!" };

	(void)state;
	begin("nats", false);
	conn.state = CONN_OPEN;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_true(take(all[i], strlen(all[i])) == PROTOCOL_BROKEN);
	hear_text("-ERR 'Authorization Violation'\r\n");
	assert_int_equal(ended, 1);
	assert_non_null(strstr(house.why.text, "Authorization Violation"));
}

/* A frame of the server's, made by the same table that the server uses. */
#define HEAR(lower, ...)                                            \
	do {                                                        \
		uint8_t made_[1024];                                \
		struct sn_frame_##lower f_ = { __VA_ARGS__ };       \
		struct sn_wr w_ = sn_wr_over(made_, sizeof(made_)); \
		sn_frame_put_##lower(&w_, &f_);                     \
		assert_false(w_.bad);                               \
		hear(made_, w_.n);                                  \
	} while (0)

/* The type of the one frame that was written. */
static uint64_t said(struct sn_frame *frame)
{
	size_t n = conn.out.len;

	assert_int_equal(
	    sn_frame_open(sn_buf_head(&conn.out), n, SN_FRAME_MAX, frame),
	    SN_OK);
	assert_int_equal(frame->size, n);
	sn_buf_consume(&conn.out, n);
	return (frame->type);
}

static void welcome(void)
{
	struct sn_frame frame;

	house.protocol->login(&conn);
	assert_int_equal(said(&frame), SN_FRAME_HELLO);
	HEAR(welcome, .version = 1, .server = sn_bytes_of("test"),
	    .account = sn_bytes_of("alice"));
}

static void sicher_logs_in_by_token_where_there_is_one(void **state)
{
	struct sn_frame_resume resume;
	struct sn_frame frame;

	(void)state;
	begin("sicher", false);
	memcpy(person.token, "token", 5);
	person.token_size = 5;
	welcome();
	assert_int_equal(said(&frame), SN_FRAME_RESUME);
	assert_true(sn_frame_get_resume(&frame, &resume));
	assert_true(sn_bytes_equal(resume.token, sn_bytes_of("token")));
	HEAR(ready, .token = sn_bytes_of("fresh"));
	assert_int_equal(opened, 1);
	assert_memory_equal(person.token, "fresh", 5);
}

static void sicher_without_token_and_password_says_what_is_missing(void **state)
{
	(void)state;
	begin("sicher", false);
	welcome();
	assert_int_equal(ended, 1);
	assert_non_null(strstr(house.why.text, "--tokens"));
	begin("sicher", false);
	house.login = CONN_LOGIN_TOKEN;
	welcome();
	assert_int_equal(ended, 1);
	assert_non_null(strstr(house.why.text, "enrol"));
}

static void sicher_waits_when_the_server_is_busy(void **state)
{
	struct sn_frame frame;

	(void)state;
	begin("sicher", false);
	memcpy(person.token, "token", 5);
	person.token_size = 5;
	welcome();
	assert_int_equal(said(&frame), SN_FRAME_RESUME);
	HEAR(error, .code = sn_bytes_of("busy"), .retry_ms = { true, 0 });
	assert_int_equal(ended, 0);
	assert_int_equal(house.paused, 1);
	assert_int_equal(conn.out.len, 0);
	house.looked = 0;
	conn_wake_all(&house);
	assert_int_equal(said(&frame), SN_FRAME_RESUME);
	assert_null(house.waiting);
	HEAR(error, .code = sn_bytes_of("auth-failed"));
	assert_int_equal(ended, 1);
}

static void sicher_acknowledges_once_a_turn_and_renews_its_credit(void **state)
{
	struct sn_frame_ack ack;
	struct sn_frame frame;

	(void)state;
	begin("sicher", false);
	conn.state = CONN_OPEN;
	house.protocol->follow(&conn, NULL);
	assert_int_equal(said(&frame), SN_FRAME_SYNC);
	HEAR(synced, .ref = 1);
	assert_int_equal(readied, 1);
	for (uint64_t seq = 1; seq <= 3; seq++)
		HEAR(deliver, .seq = seq, .to = sn_bytes_of("alice"),
		    .from = sn_bytes_of("bob"),
		    .content_type = sn_bytes_of("text/plain"),
		    .body = sn_bytes_of("hi"));
	assert_string_equal(body, "hi");
	house.protocol->turn(&conn);
	assert_int_equal(said(&frame), SN_FRAME_ACK);
	assert_true(sn_frame_get_ack(&frame, &ack));
	assert_int_equal(ack.seq, 3);
	house.protocol->turn(&conn);
	assert_int_equal(conn.out.len, 0);
	conn.frames += conn.granted_frames / 2;
	house.protocol->turn(&conn);
	assert_int_equal(said(&frame), SN_FRAME_CREDIT);
}

static void sicher_a_room_that_exists_is_as_good_as_new(void **state)
{
	struct sn_frame frame;

	(void)state;
	begin("sicher", false);
	conn.state = CONN_OPEN;
	house.protocol->found(&conn, "ops");
	assert_int_equal(said(&frame), SN_FRAME_ROOM_CREATE);
	HEAR(error, .ref = { true, 1 }, .code = sn_bytes_of("exists"));
	assert_int_equal(readied, 1);
	house.protocol->follow(&conn, "ops");
	assert_int_equal(said(&frame), SN_FRAME_ROOM_JOIN);
	HEAR(done, .ref = 2, .seq = 9);
	assert_int_equal(said(&frame), SN_FRAME_SYNC);
	HEAR(error, .ref = { true, 3 }, .code = sn_bytes_of("denied"));
	assert_int_equal(ended, 1);
}

static void sicher_sends_each_message_under_an_id_of_its_own(void **state)
{
	struct sn_frame_send first, second;
	struct sn_frame frame;

	(void)state;
	begin("sicher", true);
	conn.state = CONN_OPEN;
	post("ops", true, "hi");
	assert_int_equal(said(&frame), SN_FRAME_SEND);
	assert_true(sn_frame_get_send(&frame, &first));
	assert_true(sn_bytes_equal(first.to, sn_bytes_of("#ops")));
	assert_int_equal(first.id[6] >> 4, 7);
	assert_int_equal(first.id[8] >> 6, 2);
	post("bob", false, "hi");
	assert_int_equal(said(&frame), SN_FRAME_SEND);
	assert_true(sn_frame_get_send(&frame, &second));
	assert_memory_not_equal(first.id, second.id, sizeof(first.id));
	HEAR(stored, .ref = 1, .seq = 1);
	assert_int_equal(conn.stored, 1);
}

static void sicher_signals_what_is_not_kept_to_whom_it_has_met(void **state)
{
	struct sn_frame_signal signal;
	struct sn_frame frame;

	(void)state;
	begin("sicher", false);
	conn.state = CONN_OPEN;
	house.protocol->meet(&conn, "bob");
	assert_int_equal(said(&frame), SN_FRAME_SEND);
	HEAR(stored, .ref = 1, .seq = 1);
	assert_int_equal(readied, 1);
	assert_int_equal(conn.stored, 0);
	post("bob", false, "hi");
	assert_int_equal(said(&frame), SN_FRAME_SIGNAL);
	assert_true(sn_frame_get_signal(&frame, &signal));
	assert_true(sn_bytes_equal(signal.to, sn_bytes_of("bob")));
	HEAR(signaled, .to = sn_bytes_of("alice"), .from = sn_bytes_of("bob"),
	    .kind = sn_bytes_of("bench"), .data = sn_bytes_of("ho"));
	assert_string_equal(body, "ho");
}

static void sicher_and_bare_rubbish_is_broken(void **state)
{
	(void)state;
	begin("sicher", false);
	conn.state = CONN_OPEN;
	assert_true(take("\0\1\0\1x", 5) == PROTOCOL_BROKEN);
	assert_true(take("\0\0\0\1\0", 5) == PROTOCOL_BROKEN);
	begin("bare", false);
	conn.state = CONN_OPEN;
	assert_true(take("\0\0\0\4\2\0\0\0", 8) == PROTOCOL_BROKEN);
	assert_true(take("\0\0\0\5\x63\0\0\0\0", 9) == PROTOCOL_BROKEN);
	assert_true(take("\0\0\0\5\x08\0\0\0\0", 9) == PROTOCOL_BROKEN);
	assert_true(take("\0\0\0\5\x0a\0\0\0\0", 9) == PROTOCOL_BROKEN);
}

/* One of 100 bytes to one whose name is as long as those of the house. */
static size_t published(const char *protocol, bool durable)
{
	static const uint8_t text[100];
	struct post p = { .to = "p00001", .body = { text, sizeof(text) } };
	size_t n;

	begin(protocol, durable);
	conn.state = CONN_OPEN;
	conn.ref = 5000;
	house.protocol->publish(&conn, &p);
	n = conn.out.len;
	sn_buf_free(&conn.out);
	return (n);
}

/* Kinds RECEIVED and SIGNALED, and how much each has before its body. */
#define HEAD 9
#define RECEIVED 59
#define SIGNALED 22

static void hear_bare(uint8_t kind, size_t padding)
{
	uint8_t record[HEAD + RECEIVED + 2] = { 0 };
	struct sn_wr w = sn_wr_over(record, sizeof(record));

	sn_wr_u32(&w, (uint32_t)(HEAD - 4 + padding + 2));
	sn_wr_u8(&w, kind);
	memcpy(record + HEAD + padding, "hi", 2);
	body[0] = '\0';
	hear(record, HEAD + padding + 2);
	assert_string_equal(body, "hi");
}

static void bare_records_are_as_long_as_ours(void **state)
{
	size_t kept = published("sicher", true);
	size_t signal = published("sicher", false);

	(void)state;
	assert_in_range(published("bare", true), kept - 2, kept + 2);
	assert_in_range(published("bare", false), signal - 2, signal + 2);
	hear_bare(8, RECEIVED);
	hear_bare(10, SIGNALED);
	hear("\0\0\0\5\2\0\0\0\7", 9);
	assert_int_equal(opened, 1);
}

static void bare_deliveries_are_as_long_as_ours(void **state)
{
	static const uint8_t text[100];
	uint8_t b[512];
	struct sn_frame_deliver deliver = { .seq = 100000,
		.time = UINT64_C(1700000000000),
		.to = sn_bytes_of("p00001"),
		.from = sn_bytes_of("p00000"),
		.device = sn_bytes_of("d"),
		.content_type = sn_bytes_of("text/plain"),
		.body = { text, sizeof(text) } };
	struct sn_frame_signaled signaled = { .to = deliver.to,
		.from = deliver.from,
		.device = deliver.device,
		.kind = sn_bytes_of("bench"),
		.data = deliver.body };
	struct op op = { .kind = OP_MESSAGE, .time = deliver.time };
	struct sn_wr w = sn_wr_over(b, sizeof(b));

	(void)state;
	sn_frame_put_tail(&w, &deliver);
	assert_in_range(SN_FRAME_HEAD + 2 + 5 + w.n, HEAD + RECEIVED + 98,
	    HEAD + RECEIVED + 102);
	op.message.tail = (struct sn_bytes){ b, w.n };
	w = sn_wr_over(b + w.n, sizeof(b) - w.n);
	op_encode(&op, &w);
	assert_int_equal(w.n, COMMIT_AROUND + sizeof(text));
	w = sn_wr_over(b, sizeof(b));
	sn_frame_put_signaled(&w, &signaled);
	assert_in_range(w.n, HEAD + SIGNALED + 98, HEAD + SIGNALED + 102);
}

#define TEST(name) cmocka_unit_test_teardown(name, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_unknown_protocol_is_none),
		TEST(mqtt_logs_in_follows_and_publishes),
		TEST(mqtt_acknowledges_what_is_kept),
		TEST(mqtt_numbers_packets_from_one_to_65535),
		TEST(mqtt_long_lengths_have_several_bytes),
		TEST(mqtt_refusals_end_the_connection),
		TEST(mqtt_rubbish_is_broken),
		TEST(nats_logs_in_follows_and_publishes),
		TEST(nats_acknowledgements_come_into_the_inbox),
		TEST(nats_a_message_with_a_reply_has_its_length_last),
		TEST(nats_rubbish_is_broken),
		TEST(sicher_logs_in_by_token_where_there_is_one),
		TEST(sicher_without_token_and_password_says_what_is_missing),
		TEST(sicher_waits_when_the_server_is_busy),
		TEST(sicher_acknowledges_once_a_turn_and_renews_its_credit),
		TEST(sicher_a_room_that_exists_is_as_good_as_new),
		TEST(sicher_sends_each_message_under_an_id_of_its_own),
		TEST(sicher_signals_what_is_not_kept_to_whom_it_has_met),
		TEST(sicher_and_bare_rubbish_is_broken),
		TEST(bare_records_are_as_long_as_ours),
		TEST(bare_deliveries_are_as_long_as_ours),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
