#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/keeper_house.h"

#define ADD_ALICE                                        \
	"{\"id\":1,\"cmd\":\"create\",\"account_id\":7," \
	"\"password\":\"correct horse\"}"
#define ADD_BOB                                          \
	"{\"id\":1,\"cmd\":\"create\",\"account_id\":8," \
	"\"secret\":\"" HOUSE_SECRET "\"}"
#define RIGHT "correct horse"
#define WRONG "wrong horse"
#define VERIFY "TLS 1.3, server CertificateVerify"
#define MS UINT64_C(1000000)

static int set_up(void **state)
{
	struct house *h = house_new();

	*state = h;
	assert_string_equal(house_ctl(h, ADD_ALICE), "");
	assert_string_equal(house_ctl(h, ADD_BOB), "");
	return (0);
}

static int tear_down(void **state)
{
	house_free(*state);
	return (0);
}

static void the_right_password_is_accepted_and_a_wrong_one_is_not(void **state)
{
	struct house *h = *state;

	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(h->last.token_len, KEEPER_TOKEN_BYTES);
	assert_true(h->last.token_until_ms > sn_clock_wall_ms());
	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	assert_int_equal(h->last.token_len, 0);
}

static void refused_on_time(
    struct house *h, uint64_t account, const uint8_t *fp, const char *password)
{
	uint64_t start = sn_clock_mono(), took;

	assert_int_equal(house_login(h, account, fp, password), KEEPER_REFUSED);
	took = (sn_clock_mono() - start) / MS;
	assert_in_range(took, h->policy.answer_ms, h->policy.answer_ms + 150);
}

static void every_refusal_is_answered_at_the_same_time(void **state)
{
	struct house *h = *state;

	refused_on_time(h, 7, house_laptop, WRONG);  /* wrong */
	refused_on_time(h, 7, house_laptop, RIGHT);  /* delayed */
	refused_on_time(h, 99, house_laptop, RIGHT); /* no such account */
	refused_on_time(h, 8, house_laptop, WRONG);  /* no such secret */
	refused_on_time(h, 8, house_laptop, HOUSE_SECRET);
	refused_on_time(h, 7, house_phone, "");
	house_stop(h);
	h->policy.secret_life_ms = 0;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":8,\"secret\":"
					 "\"" HOUSE_SECRET "\"}"),
	    "");
	refused_on_time(h, 8, house_laptop, HOUSE_SECRET); /* ran out */
}

#define SAMPLES 200
#define CLASSES 3

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

/* The greatest distance between two distributions (Kolmogorov, Smirnov) of
 * sorted samples: how much better than a coin the best guess by time is. */
static double distance(const uint64_t *a, const uint64_t *b)
{
	double most = 0;
	size_t i = 0, j = 0;

	while (i < SAMPLES && j < SAMPLES) {
		uint64_t at = a[i] < b[j] ? a[i] : b[j];
		double d;

		for (; i < SAMPLES && a[i] <= at; i++)
			;
		for (; j < SAMPLES && b[j] <= at; j++)
			;
		d = ((double)i - (double)j) / SAMPLES;
		if (d < 0)
			d = -d;
		if (d > most)
			most = d;
	}
	return (most);
}

/* One try of each class at once, so that what disturbs one disturbs all:
 * wrong, delayed (and right), a device that nobody knows. */
static void sample(struct house *h, unsigned round, uint64_t *took)
{
	uint64_t sent[CLASSES];
	unsigned before = h->answers;
	uint8_t known[32] = { 4 }, stranger[32] = { 5 };
	const uint8_t *const fp[CLASSES] = { known, house_laptop, stranger };
	static const char *const words[CLASSES] = { WRONG, RIGHT, WRONG };

	known[1] = stranger[1] = (uint8_t)round;
	for (unsigned k = 0; k < CLASSES; k++) {
		/* In another order each time. */
		unsigned c = (k + round) % CLASSES;

		sent[c] = sn_clock_mono();
		assert_int_equal(keeper_client_login(h->client, c + 1, 7, fp[c],
				     sn_bytes_of(words[c])),
		    SN_OK);
	}
	house_wait(h, before + CLASSES);
	for (unsigned c = 0; c < CLASSES; c++) {
		assert_int_equal(h->verdicts[c + 1], KEEPER_REFUSED);
		took[c] = h->answered[c + 1] - sent[c];
	}
}

static void the_time_of_a_refusal_tells_nothing(void **state)
{
	static uint64_t took[CLASSES][SAMPLES];
	struct house *h = *state;
	uint8_t known[32] = { 4 };

	house_stop(h);
	h->policy.answer_ms = 15;
	h->policy.delays.per_day = 100000;
	h->policy.cost.memory_kib = 1024;
	house_start(h);
	/* The ones that will be wrong have logged in once. */
	for (unsigned i = 0; i < SAMPLES; i++) {
		known[1] = (uint8_t)i;
		assert_int_equal(house_login(h, 7, known, RIGHT), KEEPER_OK);
	}
	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	for (unsigned i = 0; i < SAMPLES; i++) {
		uint64_t one[CLASSES];

		sample(h, i, one);
		for (unsigned c = 0; c < CLASSES; c++) {
			took[c][i] = one[c];
			assert_true(one[c] >= h->policy.answer_ms * MS);
		}
	}
	for (unsigned c = 0; c < CLASSES; c++)
		qsort(took[c], SAMPLES, sizeof(took[c][0]), by_size);
	for (unsigned c = 0; c < CLASSES; c++) {
		double d = distance(took[c], took[(c + 1) % CLASSES]);

		print_message("class %u: median %.3f ms, distance %.3f\n", c,
		    (double)took[c][SAMPLES / 2] / MS, d);
		assert_true(d < 0.25);
	}
}

static void under_load_too_the_time_of_a_refusal_tells_nothing(void **state)
{
	struct house *h = *state;
	uint8_t fp[32] = { 6 };
	uint64_t sent[32], wrong, delayed;

	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	house_stop(h);
	h->policy.answer_ms = 10;
	h->policy.queue_max = 100;
	h->policy.cost.memory_kib = 32 * 1024;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":7,\"password\":"
					 "\"correct horse\"}"),
	    "");
	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	h->answers = 0;
	for (uint8_t i = 0; i < 16; i++) {
		fp[1] = i;
		sent[i] = sn_clock_mono();
		assert_int_equal(
		    keeper_client_login(h->client, (uint64_t)i + 1, 7,
			i % 2 == 0 ? fp : house_laptop, sn_bytes_of(WRONG)),
		    SN_OK);
	}
	house_wait(h, 16);
	for (uint8_t i = 0; i < 16; i += 2) {
		wrong = h->answered[i + 1] - sent[i];
		delayed = h->answered[i + 2] - sent[i + 1];
		assert_true(delayed + 11 * MS >= wrong);
	}
	assert_true(wrong > 2 * h->policy.answer_ms * MS);
}

static void while_a_device_is_delayed_nothing_is_computed(void **state)
{
	struct house *h = *state;

	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	assert_int_equal(house_status(h, "passwords_checked"), 1);
	assert_int_equal(
	    house_login(h, 7, house_laptop, RIGHT), KEEPER_REFUSED);
	assert_int_equal(house_status(h, "passwords_checked"), 1);
	assert_int_equal(house_status(h, "passwords_delayed"), 1);
	assert_int_equal(house_login(h, 7, house_phone, RIGHT), KEEPER_OK);
}

static void guesses_sent_at_once_are_worth_one(void **state)
{
	struct house *h = *state;

	for (uint64_t i = 1; i <= 6; i++)
		assert_int_equal(
		    keeper_client_login(h->client, i, 7, house_laptop,
			sn_bytes_of(i == 6 ? RIGHT : WRONG)),
		    SN_OK);
	house_wait(h, 6);
	assert_int_equal(h->last.verdict, KEEPER_REFUSED);
	assert_int_equal(house_status(h, "passwords_checked"), 1);
	assert_int_equal(house_status(h, "passwords_accepted"), 0);
}

static void delays_outlive_a_restart_and_end_with_unlock(void **state)
{
	struct house *h = *state;

	assert_int_equal(
	    house_login(h, 7, house_laptop, WRONG), KEEPER_REFUSED);
	house_stop(h);
	house_start(h);
	assert_int_equal(
	    house_login(h, 7, house_laptop, RIGHT), KEEPER_REFUSED);
	assert_int_equal(house_status(h, "passwords_checked"), 0);
	assert_string_equal(
	    house_ctl(h, "{\"id\":1,\"cmd\":\"unlock\",\"account_id\":7}"), "");
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
}

static void tokens_outlive_a_restart(void **state)
{
	struct house *h = *state;
	struct keeper_answer token;

	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	token = h->last;
	house_stop(h);
	house_start(h);
	assert_int_equal(house_resume(h, 7, house_laptop, &token), KEEPER_OK);
}

static void a_one_time_secret_becomes_a_password_once(void **state)
{
	struct house *h = *state;

	assert_int_equal(
	    house_login(h, 8, house_laptop, HOUSE_SECRET), KEEPER_CHOOSE);
	assert_int_equal(h->last.token_len, 0);
	assert_int_equal(
	    house_change(h, 8, house_laptop, HOUSE_SECRET, "seven77"),
	    KEEPER_WEAK);
	assert_int_equal(
	    house_change(h, 8, house_laptop, HOUSE_SECRET, "eight888"),
	    KEEPER_OK);
	assert_int_equal(h->last.token_len, KEEPER_TOKEN_BYTES);
	assert_int_equal(house_resume(h, 8, house_laptop, &h->last), KEEPER_OK);
	assert_int_equal(
	    house_login(h, 8, house_laptop, "eight888"), KEEPER_OK);
	assert_int_equal(
	    house_change(h, 8, house_laptop, HOUSE_SECRET, "another one"),
	    KEEPER_REFUSED);
	assert_int_equal(
	    house_login(h, 8, house_phone, HOUSE_SECRET), KEEPER_REFUSED);
}

static void a_secret_redeemed_twice_at_once_is_redeemed_once(void **state)
{
	struct house *h = *state;
	unsigned ok = 0;

	house_stop(h);
	h->policy.workers = 2;
	house_start(h);
	h->answers = 0;
	assert_int_equal(
	    keeper_client_change(h->client, 1, 8, house_laptop,
		sn_bytes_of(HOUSE_SECRET), sn_bytes_of("laptop's own")),
	    SN_OK);
	assert_int_equal(
	    keeper_client_change(h->client, 2, 8, house_phone,
		sn_bytes_of(HOUSE_SECRET), sn_bytes_of("phone's own")),
	    SN_OK);
	for (unsigned i = 1; i <= 2; i++) {
		house_wait(h, i);
		ok += h->last.verdict == KEEPER_OK;
	}
	assert_true(ok <= 1);
	assert_int_equal(house_status(h, "passwords_accepted"), 1);
}

static void a_token_resumes_its_device_and_is_not_extended(void **state)
{
	struct house *h = *state;
	struct keeper_answer token;

	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	token = h->last;
	assert_int_equal(
	    house_resume(h, 7, house_phone, &token), KEEPER_REFUSED);
	assert_int_equal(
	    house_resume(h, 8, house_laptop, &token), KEEPER_REFUSED);
	assert_int_equal(house_resume(h, 7, house_laptop, &token), KEEPER_OK);
	assert_int_equal(h->last.token_until_ms, token.token_until_ms);
	assert_memory_equal(h->last.token, token.token, token.token_len);
	token.token[token.token_len - 1] ^= 1;
	assert_int_equal(
	    house_resume(h, 7, house_laptop, &token), KEEPER_REFUSED);
	assert_int_equal(house_status(h, "passwords_checked"), 1);
}

static void voided_by(struct house *h, const char *ctl)
{
	struct keeper_answer token = h->last;

	assert_int_equal(house_resume(h, 7, house_laptop, &token), KEEPER_OK);
	assert_string_equal(house_ctl(h, ctl), "");
	assert_int_equal(
	    house_resume(h, 7, house_laptop, &token), KEEPER_REFUSED);
}

static void whatever_raises_the_epoch_voids_the_tokens(void **state)
{
	struct house *h = *state;
	struct keeper_answer token;

	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	voided_by(h, "{\"id\":1,\"cmd\":\"epoch\",\"account_id\":7}");
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	voided_by(h, "{\"id\":1,\"cmd\":\"reset\",\"account_id\":7,"
		     "\"password\":\"correct horse\"}");
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	token = h->last;
	assert_int_equal(keeper_client_logout(h->client, 77, 7), SN_OK);
	house_wait(h, h->answers + 1);
	assert_int_equal(h->last.verdict, KEEPER_OK);
	assert_int_equal(
	    house_resume(h, 7, house_laptop, &token), KEEPER_REFUSED);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	token = h->last;
	assert_int_equal(
	    house_change(h, 7, house_laptop, RIGHT, "battery staple"),
	    KEEPER_OK);
	assert_int_equal(
	    house_resume(h, 7, house_laptop, &token), KEEPER_REFUSED);
	assert_int_equal(
	    house_login(h, 7, house_laptop, "battery staple"), KEEPER_OK);
	voided_by(h, "{\"id\":1,\"cmd\":\"remove\",\"account_id\":7}");
	assert_int_equal(
	    house_login(h, 7, house_laptop, "battery staple"), KEEPER_REFUSED);
}

static void a_reset_to_a_secret_ends_the_password(void **state)
{
	struct house *h = *state;

	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":7,\"secret\":"
					 "\"" HOUSE_SECRET "\"}"),
	    "");
	assert_int_equal(
	    house_login(h, 7, house_laptop, HOUSE_SECRET), KEEPER_CHOOSE);
	assert_int_equal(house_login(h, 7, house_phone, RIGHT), KEEPER_REFUSED);
}

static void a_full_queue_says_busy(void **state)
{
	struct house *h = *state;
	uint8_t fp[32] = { 3 };
	unsigned busy = 0;

	house_stop(h);
	h->policy.queue_max = 2;
	h->policy.cost.memory_kib = 32 * 1024;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":7,\"password\":"
					 "\"correct horse\"}"),
	    "");
	h->answers = 0;
	for (uint8_t i = 1; i <= 8; i++) {
		fp[1] = i;
		assert_int_equal(keeper_client_login(
				     h->client, i, 7, fp, sn_bytes_of(RIGHT)),
		    SN_OK);
	}
	for (unsigned i = 1; i <= 8; i++) {
		house_wait(h, i);
		busy += house_status(h, "passwords_busy") > 0;
	}
	assert_true(busy > 0);
	assert_int_equal(house_status(h, "passwords_busy") +
			     house_status(h, "passwords_accepted"),
	    8);
	assert_true(house_status(h, "passwords_accepted") >= 3);
}

static void one_account_does_not_hold_up_another(void **state)
{
	struct house *h = *state;
	uint8_t fp[32] = { 3 };
	bool bob_seen = false;

	house_stop(h);
	h->policy.cost.memory_kib = 16 * 1024;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":7,\"password\":"
					 "\"correct horse\"}"),
	    "");
	assert_int_equal(
	    house_change(h, 8, house_phone, HOUSE_SECRET, "eight888"),
	    KEEPER_OK);
	h->answers = 0;
	for (uint8_t i = 1; i <= 7; i++) {
		fp[1] = i;
		assert_int_equal(keeper_client_login(h->client, 100 + i, 7, fp,
				     sn_bytes_of(RIGHT)),
		    SN_OK);
	}
	assert_int_equal(keeper_client_login(h->client, 200, 8, house_phone,
			     sn_bytes_of("eight888")),
	    SN_OK);
	/* Seven came before; two of them at most are served before. */
	for (unsigned i = 1; i <= 4 && !bob_seen; i++) {
		house_wait(h, h->answers + 1);
		bob_seen = h->last.cookie == 200;
	}
	assert_true(bob_seen);
	house_wait(h, 8);
}

static void a_flood_of_one_account_is_shed_and_no_other(void **state)
{
	struct house *h = *state;
	uint8_t fp[32] = { 3 };
	unsigned busy = 0;

	assert_int_equal(
	    house_change(h, 8, house_phone, HOUSE_SECRET, "eight888"),
	    KEEPER_OK);
	house_stop(h);
	h->policy.queue_max = 3;
	h->policy.cost.memory_kib = 32 * 1024;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"reset\","
					 "\"account_id\":7,\"password\":"
					 "\"correct horse\"}"),
	    "");
	h->answers = 0;
	for (uint8_t i = 1; i <= 12; i++) {
		fp[1] = i;
		assert_int_equal(keeper_client_login(h->client, 100 + i, 7, fp,
				     sn_bytes_of(RIGHT)),
		    SN_OK);
	}
	assert_int_equal(keeper_client_login(h->client, 200, 8, house_phone,
			     sn_bytes_of("eight888")),
	    SN_OK);
	house_wait(h, 13);
	assert_int_equal(h->verdicts[200], KEEPER_OK);
	for (uint8_t i = 1; i <= 12; i++)
		busy += h->verdicts[100 + i] == KEEPER_BUSY;
	assert_in_range(busy, 1, 11);
	assert_int_equal(house_status(h, "passwords_busy"), busy);
}

static void a_dearer_cost_is_taken_on_at_the_next_login(void **state)
{
	struct house *h = *state;
	struct keeper_account row;
	struct sn_store *store;
	struct sn_txn *txn;

	house_stop(h);
	h->policy.cost = (struct argon_cost){ 128, 2, 1 };
	house_start(h);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(house_resume(h, 7, house_laptop, &h->last), KEEPER_OK);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	house_stop(h);
	assert_int_equal(keeper_db_open(h->policy.dir, h->policy.map_size, NULL,
			     &store, NULL),
	    SN_OK);
	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	assert_int_equal(keeper_account_get(txn, 7, &row), SN_OK);
	assert_false(argon_outdated(row.phc, &h->policy.cost));
	sn_txn_abort(txn);
	sn_store_close(store);
	house_start(h);
}

static void a_request_out_of_the_table_ends_its_channel_alone(void **state)
{
	struct house *h = *state;
	uint8_t junk[64] = { 9 };
	int sign[2], auth[2], other[2], fds[4];

	assert_int_equal(channel_pair(sign), SN_OK);
	assert_int_equal(channel_pair(auth), SN_OK);
	assert_int_equal(channel_pair(other), SN_OK);
	fds[0] = sign[1];
	fds[1] = sign[0];
	fds[2] = auth[1];
	fds[3] = other[1];
	assert_string_equal(
	    house_ctl_fds(h, "{\"id\":1,\"cmd\":\"channels\"}", fds, 4), "");
	for (int i = 0; i < 4; i++)
		(void)close(fds[i]);
	assert_int_equal(send(other[0], junk, sizeof(junk), 0), sizeof(junk));
	assert_int_equal(recv(other[0], junk, sizeof(junk), 0), 0);
	(void)close(other[0]);
	assert_int_equal(
	    keeper_client_replace_fd(h->client, auth[0], house_answer, h),
	    SN_OK);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(house_status(h, "requests_refused"), 1);
}

static void requests_under_way_fail_when_the_keeper_is_replaced(void **state)
{
	struct house *h = *state;

	assert_int_equal(keeper_client_login(h->client, 5, 99, house_laptop,
			     sn_bytes_of(RIGHT)),
	    SN_OK);
	house_channels(h);
	assert_int_equal(h->answers, 1);
	assert_int_equal(h->last.cookie, 5);
	assert_int_equal(h->last.verdict, KEEPER_FAILED);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(
	    keeper_client_login(NULL, 6, 7, house_laptop, sn_bytes_of(RIGHT)),
	    SN_EFULL);
}

static enum sn_err resume(struct keeper_client *kc, uint64_t cookie)
{
	return (keeper_client_resume(
	    kc, cookie, 7, house_laptop, sn_bytes_of("token")));
}

/* The next request that has come through the socket. */
static uint64_t next_cookie(int fd)
{
	uint8_t packet[KEEPER_WIRE_REQUEST_MAX];
	struct keeper_request request;
	ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

	assert_true(n > 0);
	assert_int_equal(keeper_wire_parse_request(
			     (struct sn_bytes){ packet, (size_t)n }, &request),
	    SN_OK);
	return (request.cookie);
}

static void requests_that_find_the_socket_full_wait_in_order(void **state)
{
	const uint64_t many = 1000;
	struct keeper_client *kc = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(channel_pair(fds), SN_OK);
	assert_int_equal(keeper_client_new(fds[0], &kc), SN_OK);
	for (uint64_t i = 1; i <= many; i++)
		assert_int_equal(resume(kc, i), SN_OK);
	assert_true(keeper_client_waits(kc));
	for (uint64_t i = 1; i <= many; i++) {
		keeper_client_flush(kc);
		assert_int_equal(next_cookie(fds[1]), i);
	}
	assert_false(keeper_client_waits(kc));
	keeper_client_free(kc);
	(void)close(fds[1]);
}

static void too_many_requests_are_not_taken_and_those_that_wait_fail_together(
    void **state)
{
	struct house h = { 0 };
	uint64_t taken = 0;
	int fds[2], again[2];

	(void)state;
	assert_int_equal(channel_pair(fds), SN_OK);
	assert_int_equal(channel_pair(again), SN_OK);
	assert_int_equal(keeper_client_new(fds[0], &h.client), SN_OK);
	while (resume(h.client, taken + 1) == SN_OK)
		assert_true(++taken < 100000);
	assert_int_equal(resume(h.client, taken + 1), SN_EFULL);
	assert_int_equal(
	    keeper_client_replace_fd(h.client, again[0], house_answer, &h),
	    SN_OK);
	assert_int_equal(h.answers, taken);
	assert_int_equal(h.last.verdict, KEEPER_FAILED);
	assert_false(keeper_client_waits(h.client));
	assert_int_equal(resume(h.client, 1), SN_OK);
	assert_int_equal(next_cookie(again[1]), 1);
	keeper_client_free(h.client);
	(void)close(fds[1]);
	(void)close(again[1]);
}

static void the_parent_is_told_what_it_asked_wrong(void **state)
{
	static const char *const bad[] = {
		"{\"id\":1,\"cmd\":\"give-me-the-key\"}",
		"not json",
		"{\"id\":1}",
		"{\"id\":1,\"cmd\":\"create\",\"account_id\":0,"
		"\"password\":\"correct horse\"}",
		"{\"id\":1,\"cmd\":\"create\",\"account_id\":9}",
		"{\"id\":1,\"cmd\":\"create\",\"account_id\":9,"
		"\"secret\":\"short\"}",
		"{\"id\":1,\"cmd\":\"create\",\"account_id\":9,"
		"\"password\":\"seven77\"}",
		"{\"id\":1,\"cmd\":\"reload\"}",
		"{\"id\":1,\"cmd\":\"keep\",\"ids\":[0]}",
	};
	struct house *h = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(house_ctl(h, bad[i]), "bad-request");
	assert_string_equal(house_ctl(h, ADD_ALICE), "exists");
	assert_string_equal(
	    house_ctl(h, "{\"id\":1,\"cmd\":\"epoch\",\"account_id\":9}"),
	    "not-found");
	assert_int_equal(house_status(h, "accounts"), 2);
}

static void rows_of_accounts_that_are_not_kept_go(void **state)
{
	struct house *h = *state;

	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"keep\","
					 "\"ids\":[7],\"more\":true}"),
	    "");
	assert_int_equal(house_status(h, "accounts"), 2);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"create\","
					 "\"account_id\":9,\"password\":"
					 "\"correct horse\"}"),
	    "");
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"keep\","
					 "\"ids\":[11],\"more\":false}"),
	    "");
	assert_int_equal(house_status(h, "accounts"), 2);
	assert_int_equal(house_login(h, 7, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(house_login(h, 9, house_laptop, RIGHT), KEEPER_OK);
	assert_int_equal(
	    house_login(h, 8, house_laptop, HOUSE_SECRET), KEEPER_REFUSED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_right_password_is_accepted_and_a_wrong_one_is_not),
		T(every_refusal_is_answered_at_the_same_time),
		T(the_time_of_a_refusal_tells_nothing),
		T(under_load_too_the_time_of_a_refusal_tells_nothing),
		T(while_a_device_is_delayed_nothing_is_computed),
		T(guesses_sent_at_once_are_worth_one),
		T(delays_outlive_a_restart_and_end_with_unlock),
		T(tokens_outlive_a_restart),
		T(a_one_time_secret_becomes_a_password_once),
		T(a_secret_redeemed_twice_at_once_is_redeemed_once),
		T(a_token_resumes_its_device_and_is_not_extended),
		T(whatever_raises_the_epoch_voids_the_tokens),
		T(a_reset_to_a_secret_ends_the_password),
		T(a_full_queue_says_busy),
		T(one_account_does_not_hold_up_another),
		T(a_flood_of_one_account_is_shed_and_no_other),
		T(a_dearer_cost_is_taken_on_at_the_next_login),
		T(a_request_out_of_the_table_ends_its_channel_alone),
		T(requests_under_way_fail_when_the_keeper_is_replaced),
		cmocka_unit_test(
		    requests_that_find_the_socket_full_wait_in_order),
		cmocka_unit_test(
		    too_many_requests_are_not_taken_and_those_that_wait_fail_together),
		T(the_parent_is_told_what_it_asked_wrong),
		T(rows_of_accounts_that_are_not_kept_go),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
