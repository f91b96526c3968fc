#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/secret.h"
#include "server/keeper/keeper_account.h"
#include "server/keeper/keeper_failure.h"
#include "server/keeper/keeper_pool.h"
#include "server/keeper/keeper_token.h"
#include "server/keeper/keeper_vault.h"
#include "server/keeper/keeper_wire.h"

#define HOUR (UINT64_C(3600) * 1000)
#define NOW (UINT64_C(20000) * 24 * HOUR + 5 * HOUR)
#define LIFE (12 * HOUR)

static char dir[64];
static struct sn_store *store;
static struct sn_txn *txn;
static const uint8_t laptop[32] = { 1 }, phone[32] = { 2 };
static const struct keeper_delays delays = { 1000, 900 * 1000, 5 };

static int open_store(void **state)
{
	struct sn_why why = { "" };

	(void)state;
	if (dir[0] == '\0') {
		(void)snprintf(dir, sizeof(dir), "/tmp/sn-keeper-XXXXXX");
		assert_non_null(mkdtemp(dir));
	}
	assert_int_equal(
	    keeper_db_open(dir, 1 << 20, NULL, &store, &why), SN_OK);
	assert_int_equal(sn_txn_write(store, &txn), SN_OK);
	return (0);
}

static int close_store(void **state)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	char path[128];

	(void)state;
	sn_txn_abort(txn);
	sn_store_close(store);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	dir[0] = '\0';
	return (0);
}

static void load_keys(struct keeper_token_keys *keys, uint64_t now)
{
	assert_int_equal(keeper_token_keys_load(txn, now, LIFE, keys), SN_OK);
}

static enum sn_err check(const struct keeper_token_keys *keys,
    const uint8_t *bytes, const struct keeper_token *want, uint64_t now)
{
	uint64_t entered = 0;
	enum sn_err err;

	err = keeper_token_check(keys,
	    (struct sn_bytes){ bytes, KEEPER_TOKEN_BYTES }, want, now, LIFE,
	    &entered);
	if (err == SN_OK)
		assert_int_equal(entered, NOW);
	return (err);
}

static void a_token_with_any_bit_changed_is_refused(void **state)
{
	const struct keeper_token token = { 7, laptop, 3, NOW };
	struct keeper_token_keys keys;
	uint8_t bytes[KEEPER_TOKEN_BYTES];
	uint64_t entered;

	(void)state;
	load_keys(&keys, NOW);
	assert_int_equal(keeper_token_make(&keys, &token, bytes), SN_OK);
	assert_int_equal(check(&keys, bytes, &token, NOW), SN_OK);
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check(&keys, bytes, &token, NOW), SN_EAUTH);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(
		    keeper_token_check(&keys, (struct sn_bytes){ bytes, n },
			&token, NOW, LIFE, &entered),
		    SN_EAUTH);
	assert_int_equal(check(&keys, bytes, &token, NOW), SN_OK);
}

static void a_token_is_for_one_account_device_and_epoch(void **state)
{
	const struct keeper_token token = { 7, laptop, 3, NOW };
	struct keeper_token want = token;
	struct keeper_token_keys keys;
	uint8_t bytes[KEEPER_TOKEN_BYTES];

	(void)state;
	load_keys(&keys, NOW);
	assert_int_equal(keeper_token_make(&keys, &token, bytes), SN_OK);
	want.account = 8;
	assert_int_equal(check(&keys, bytes, &want, NOW), SN_EAUTH);
	want = token;
	want.fp = phone;
	assert_int_equal(check(&keys, bytes, &want, NOW), SN_EAUTH);
	want = token;
	want.epoch = 4;
	assert_int_equal(check(&keys, bytes, &want, NOW), SN_EAUTH);
	assert_int_equal(check(&keys, bytes, &token, NOW), SN_OK);
}

static void a_token_lives_from_the_entry_of_the_password(void **state)
{
	const struct keeper_token token = { 7, laptop, 3, NOW };
	struct keeper_token_keys keys;
	uint8_t bytes[KEEPER_TOKEN_BYTES];

	(void)state;
	load_keys(&keys, NOW);
	assert_int_equal(keeper_token_make(&keys, &token, bytes), SN_OK);
	assert_int_equal(check(&keys, bytes, &token, NOW + LIFE - 1), SN_OK);
	assert_int_equal(check(&keys, bytes, &token, NOW + LIFE), SN_EAUTH);
	/* A clock set back a little, and one set back a lot. */
	assert_int_equal(check(&keys, bytes, &token, NOW - 60000), SN_OK);
	assert_int_equal(check(&keys, bytes, &token, NOW - HOUR), SN_EAUTH);
}

static void keys_of_tokens_change_and_old_ones_check_until_they_end(
    void **state)
{
	const struct keeper_token token = { 7, laptop, 3, NOW };
	struct keeper_token_keys keys;
	uint8_t bytes[KEEPER_TOKEN_BYTES];

	(void)state;
	load_keys(&keys, NOW - 7 * 24 * HOUR + 1);
	load_keys(&keys, NOW);
	assert_int_equal(keys.count, 1);
	assert_int_equal(keeper_token_make(&keys, &token, bytes), SN_OK);
	load_keys(&keys, NOW + 1);
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.keys[1].id, 2);
	assert_int_equal(check(&keys, bytes, &token, NOW + 1), SN_OK);
	load_keys(&keys, NOW + LIFE + HOUR);
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.keys[0].id, 2);
}

/* A keeper that was started after its disk had failed. */
static void where_nothing_can_be_written_an_old_key_goes_on(void **state)
{
	const uint64_t later = NOW + 60 * 24 * HOUR;
	struct keeper_vault vault = { .store = store,
		.reading_only = true,
		.delays = delays,
		.token_life = LIFE };
	struct keeper_account account = { .id = 7 }, other = { .id = 8 };
	struct keeper_answer first = { 0 }, second = { 0 };
	struct keeper_token_keys keys;
	struct sn_why why = { "" };

	(void)state;
	load_keys(&keys, NOW);
	(void)snprintf(account.phc, sizeof(account.phc), "a hash");
	(void)snprintf(other.phc, sizeof(other.phc), "a hash");
	assert_int_equal(keeper_account_put(txn, &account), SN_OK);
	assert_int_equal(keeper_account_put(txn, &other), SN_OK);
	assert_int_equal(keeper_failure_success(txn, 7, laptop), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	txn = NULL;
	sn_store_latch(store, 0);

	assert_int_equal(keeper_vault_open(&vault, later, &why), SN_OK);
	assert_int_equal(vault.tokens.count, 1);
	/* A known device logs in, and comes back; a better hash waits. */
	assert_int_equal(keeper_vault_pass(&vault, &account, laptop,
			     "a better hash", later, &first),
	    SN_OK);
	assert_int_equal(keeper_vault_resume(&vault, 7, laptop,
			     (struct sn_bytes){ first.token, first.token_len },
			     later + HOUR, &second),
	    SN_OK);
	/* What must be written is refused. */
	assert_int_not_equal(
	    keeper_vault_pass(&vault, &other, phone, "", later, &second),
	    SN_OK);
	assert_int_not_equal(keeper_vault_epoch(&vault, 7), SN_OK);
	vault.reading_only = false;
	assert_int_not_equal(keeper_vault_open(&vault, later, &why), SN_OK);
}

static void without_a_key_no_token_is_made(void **state)
{
	const struct keeper_token token = { 7, laptop, 3, NOW };
	struct keeper_token_keys keys;
	uint8_t bytes[KEEPER_TOKEN_BYTES];

	(void)state;
	assert_int_equal(keeper_token_keys_read(txn, &keys), SN_OK);
	assert_int_equal(keys.count, 0);
	assert_true(keeper_token_keys_due(&keys, NOW));
	assert_int_equal(keeper_token_make(&keys, &token, bytes), SN_ESTORE);
}

static uint64_t wait_of(const uint8_t *fp, uint64_t now)
{
	struct keeper_failure failure;
	struct keeper_budget budget;

	assert_int_equal(keeper_failure_get(txn, 7, fp, &failure), SN_OK);
	assert_int_equal(keeper_failure_budget(txn, 7, &budget), SN_OK);
	return (keeper_failure_wait(&delays, &failure, &budget, now));
}

static bool miss(const uint8_t *fp, uint64_t now)
{
	bool spent;

	assert_int_equal(
	    keeper_failure_note(txn, &delays, 7, fp, now, &spent), SN_OK);
	return (spent);
}

static void each_failure_doubles_the_delay_up_to_the_cap(void **state)
{
	uint64_t want = 1000, now = NOW;

	(void)state;
	assert_int_equal(keeper_failure_success(txn, 7, laptop), SN_OK);
	assert_int_equal(wait_of(laptop, now), 0);
	for (int i = 0; i < 15; i++) {
		(void)miss(laptop, now);
		assert_int_equal(wait_of(laptop, now), want);
		assert_int_equal(wait_of(laptop, now + want - 1), 1);
		assert_int_equal(wait_of(laptop, now + want), 0);
		want = want * 2 > delays.max ? delays.max : want * 2;
	}
	assert_int_equal(want, delays.max);
	assert_int_equal(keeper_failure_success(txn, 7, laptop), SN_OK);
	assert_int_equal(wait_of(laptop, now), 0);
}

static void a_clock_set_back_does_not_lengthen_a_delay(void **state)
{
	(void)state;
	(void)miss(laptop, NOW);
	assert_int_equal(wait_of(laptop, NOW - 24 * HOUR), 1000);
}

static void failures_delay_only_the_device_that_made_them(void **state)
{
	(void)state;
	(void)miss(laptop, NOW);
	assert_int_equal(wait_of(laptop, NOW), 1000);
	assert_int_equal(wait_of(phone, NOW), 0);
}

static void a_spent_budget_slows_strangers_and_not_known_devices(void **state)
{
	uint8_t stranger[32] = { 9 };
	int spent = 0;

	(void)state;
	assert_int_equal(keeper_failure_success(txn, 7, phone), SN_OK);
	for (uint8_t i = 0; i < 5; i++) {
		stranger[1] = i;
		assert_int_equal(wait_of(stranger, NOW), 0);
		spent += miss(stranger, NOW);
	}
	assert_int_equal(spent, 1);
	stranger[1] = 99;
	assert_int_equal(wait_of(stranger, NOW), delays.max);
	assert_int_equal(wait_of(stranger, NOW + delays.max), 0);
	assert_int_equal(wait_of(phone, NOW), 0);
	/* Tomorrow there is another. */
	assert_int_equal(wait_of(stranger, NOW + 19 * HOUR), 0);
	assert_int_equal(keeper_failure_clear(txn, 7), SN_OK);
	assert_int_equal(wait_of(stranger, NOW), 0);
}

static uint64_t failure_rows(void)
{
	uint64_t n;

	assert_int_equal(sn_txn_count(txn, KEEPER_DB_FAILURES, &n), SN_OK);
	return (n);
}

static void clearing_forgets_failures_and_keeps_known_devices(void **state)
{
	uint8_t last[32];
	struct keeper_failure row;
	uint64_t removed = 0;
	bool spent;

	(void)state;
	memset(last, 0xff, sizeof(last));
	assert_int_equal(keeper_failure_success(txn, 7, laptop), SN_OK);
	(void)miss(laptop, NOW);
	(void)miss(phone, NOW);
	(void)miss(last, NOW);
	assert_int_equal(
	    keeper_failure_note(txn, &delays, 8, phone, NOW, &spent), SN_OK);
	assert_int_equal(keeper_failure_clear(txn, 7), SN_OK);
	assert_int_equal(keeper_failure_get(txn, 7, laptop, &row), SN_OK);
	assert_true(row.known);
	assert_int_equal(row.count, 0);
	assert_int_equal(failure_rows(), 2);
	assert_int_equal(keeper_failure_prune(txn, NOW, &removed), SN_OK);
	assert_int_equal(removed, 0);
	assert_int_equal(keeper_failure_prune(txn, NOW + 1, &removed), SN_OK);
	assert_int_equal(removed, 1);
	assert_int_equal(keeper_failure_remove(txn, 7), SN_OK);
	assert_int_equal(failure_rows(), 0);
}

static void a_one_time_secret_is_the_accounts_own_and_ends(void **state)
{
	const struct sn_bytes text = sn_bytes_of("0123456789abcdef01234567");
	struct keeper_account a = { .id = 7 }, b, other = { .id = 8 };

	(void)state;
	keeper_account_set_secret(&a, text, NOW);
	assert_int_equal(keeper_account_put(txn, &a), SN_OK);
	assert_int_equal(keeper_account_get(txn, 7, &b), SN_OK);
	assert_true(keeper_account_is_secret(&b, text, NOW - 1));
	assert_false(keeper_account_is_secret(&b, text, NOW));
	assert_false(keeper_account_is_secret(
	    &b, sn_bytes_of("0123456789abcdef01234568"), NOW - 1));
	keeper_account_set_secret(&other, text, NOW);
	assert_memory_not_equal(a.secret, other.secret, sizeof(a.secret));
	keeper_account_set_phc(&b, "x");
	assert_false(keeper_account_is_secret(&b, text, NOW - 1));
	assert_int_equal(b.generation, 2);
}

static void a_damaged_row_is_no_account(void **state)
{
	struct keeper_account a = { .id = 7 };
	const uint8_t key[8] = { [7] = 7 };
	struct sn_bytes value;
	uint8_t row[512];

	(void)state;
	keeper_account_set_phc(&a, "$argon2id$x");
	assert_int_equal(keeper_account_put(txn, &a), SN_OK);
	assert_int_equal(sn_txn_get(txn, KEEPER_DB_ACCOUNTS,
			     (struct sn_bytes){ key, 8 }, &value),
	    SN_OK);
	assert_true(value.n <= sizeof(row));
	memcpy(row, value.p, value.n);
	row[9] ^= 1;
	assert_int_equal(
	    sn_txn_put(txn, KEEPER_DB_ACCOUNTS, (struct sn_bytes){ key, 8 },
		(struct sn_bytes){ row, value.n }),
	    SN_OK);
	assert_int_equal(keeper_account_get(txn, 7, &a), SN_ECORRUPT);
}

static void a_job_verifies_upgrades_and_wipes(void **state)
{
	const struct argon_cost old = { 64, 1, 1 }, now = { 128, 2, 1 };
	struct keeper_job job = { .cost = now };

	(void)state;
	assert_int_equal(
	    argon_hash(&old, sn_bytes_of("correct horse"), job.phc), SN_OK);
	assert_false(argon_outdated(job.phc, &old));
	assert_true(argon_outdated(job.phc, &now));
	assert_int_equal(
	    sn_secret_copy("correct horse", 13, &job.password), SN_OK);
	keeper_pool_work(&job);
	assert_int_equal(job.err, SN_OK);
	assert_null(job.password.data);
	assert_false(argon_outdated(job.made, &now));
	assert_int_equal(
	    argon_verify(job.made, sn_bytes_of("correct horse")), SN_OK);
	assert_int_equal(
	    argon_verify(job.made, sn_bytes_of("correct horsf")), SN_EAUTH);
	assert_int_equal(
	    argon_verify("$argon2id$torn", sn_bytes_of("x")), SN_ECORRUPT);

	assert_int_equal(sn_secret_copy("wrong", 5, &job.password), SN_OK);
	assert_int_equal(sn_secret_copy("fresh one", 9, &job.fresh), SN_OK);
	keeper_pool_work(&job);
	assert_int_equal(job.err, SN_EAUTH);
	assert_string_equal(job.made, "");
	assert_null(job.fresh.data);
}

static void a_packet_cut_or_lengthened_is_none(void **state)
{
	const struct keeper_request request = { KEEPER_CHANGE, 5, 7, { 1 },
		{ "old", 3 }, { "fresh", 5 } };
	uint8_t packet[KEEPER_WIRE_REQUEST_MAX + 1];
	struct sn_wr w = sn_wr_over(packet, sizeof(packet));
	struct keeper_request got;

	(void)state;
	keeper_wire_request(&w, &request);
	for (size_t n = 0; n <= w.n + 1; n++)
		assert_int_equal(keeper_wire_parse_request(
				     (struct sn_bytes){ packet, n }, &got),
		    n == w.n ? SN_OK : SN_EPROTO);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_token_with_any_bit_changed_is_refused),
		T(a_token_is_for_one_account_device_and_epoch),
		T(a_token_lives_from_the_entry_of_the_password),
		T(keys_of_tokens_change_and_old_ones_check_until_they_end),
		T(where_nothing_can_be_written_an_old_key_goes_on),
		T(without_a_key_no_token_is_made),
		T(each_failure_doubles_the_delay_up_to_the_cap),
		T(a_clock_set_back_does_not_lengthen_a_delay),
		T(failures_delay_only_the_device_that_made_them),
		T(a_spent_budget_slows_strangers_and_not_known_devices),
		T(clearing_forgets_failures_and_keeps_known_devices),
		T(a_one_time_secret_is_the_accounts_own_and_ends),
		T(a_damaged_row_is_no_account),
		cmocka_unit_test(a_job_verifies_upgrades_and_wipes),
		cmocka_unit_test(a_packet_cut_or_lengthened_is_none),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
