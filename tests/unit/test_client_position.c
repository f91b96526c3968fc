#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/code.h"
#include "client/expiry.h"
#include "client/position.h"
#include "client/roster.h"
#include "lib/file.h"

static char dir[] = "/tmp/test-position-XXXXXX";
static char path[64];

static struct position_place here(void)
{
	return ((struct position_place){ .dir = dir,
	    .consumer = "main",
	    .host = "localhost",
	    .server = "demo",
	    .account = "alice" });
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/main.position", dir);
	return (0);
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return (rmdir(dir));
}

static void what_was_saved_is_loaded(void **state)
{
	struct position_place p = here();
	struct sn_why why;
	struct stat st;

	(void)state;
	assert_int_equal(position_load(&p), 0);
	assert_int_equal(position_save(&p, 42, &why), SN_OK);
	assert_int_equal(position_load(&p), 42);
	assert_int_equal(position_save(&p, UINT64_MAX, &why), SN_OK);
	assert_true(position_load(&p) == UINT64_MAX);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Numbers of another log would hide messages that nobody has seen. */
static void another_place_has_no_position(void **state)
{
	struct position_place p = here(), other = here();
	struct sn_why why;

	(void)state;
	assert_int_equal(position_save(&p, 42, &why), SN_OK);
	other.account = "bob";
	assert_int_equal(position_load(&other), 0);
	other = here();
	other.server = "demo2";
	assert_int_equal(position_load(&other), 0);
	other = here();
	other.host = "elsewhere";
	assert_int_equal(position_load(&other), 0);
	assert_int_equal(position_load(&p), 42);
}

static void no_part_of_a_file_is_taken_for_a_position(void **state)
{
	struct position_place p = here();
	struct sn_why why;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(position_save(&p, 123456, &why), SN_OK);
	assert_int_equal(sn_file_read(path, 4096, &text, &n, &why), SN_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(
		    sn_file_write(path, 0600, text, i, &why), SN_OK);
		assert_int_equal(position_load(&p), 0);
	}
	free(text);
}

struct loaded {
	unsigned count, shorter;
	char last[SN_NAME_MAX + 1];
};

static enum sn_err loads(void *arg, struct sn_bytes name)
{
	struct loaded *l = arg;

	l->count++;
	if (name.n != SN_NAME_MAX)
		l->shorter++;
	(void)snprintf(
	    l->last, sizeof(l->last), "%.*s", (int)name.n, (char *)name.p);
	return (SN_OK);
}

static void as_many_conversations_as_are_remembered_may_have_long_names(
    void **state)
{
	static struct roster roster;
	struct loaded l = { .count = 0 };
	char name[SN_NAME_MAX + 1];
	struct sn_why why;

	(void)state;
	for (unsigned i = 0; i <= ROSTER_MOST; i++) {
		(void)snprintf(name, sizeof(name), "%064u", i);
		roster_add(&roster, sn_bytes_of(name));
	}
	assert_int_equal(roster_save(dir, &roster, &why), SN_OK);
	assert_int_equal(roster_load(dir, &l, loads), SN_OK);
	assert_int_equal(l.count, ROSTER_MOST);
	assert_int_equal(l.shorter, 0);
	(void)snprintf(name, sizeof(name), "%064u", ROSTER_MOST - 1);
	assert_string_equal(l.last, name);
	(void)snprintf(name, sizeof(name), "%s/conversations", dir);
	assert_int_equal(unlink(name), 0);
}

static void warnings_come_at_30_14_7_and_1_days(void **state)
{
	(void)state;
	assert_int_equal(expiry_step(31 * 86400), 0);
	assert_int_equal(expiry_step(30 * 86400 + 1), 0);
	assert_int_equal(expiry_step(30 * 86400), 30);
	assert_int_equal(expiry_step(14 * 86400 + 1), 30);
	assert_int_equal(expiry_step(14 * 86400), 14);
	assert_int_equal(expiry_step(7 * 86400), 7);
	assert_int_equal(expiry_step(86400), 1);
	assert_int_equal(expiry_step(-5), 1);
}

/* Those of docs/PROTOCOL.md, section 9. */
static void every_code_has_a_sentence_and_a_status(void **state)
{
	static const char *const all[] = { "bad-frame", "bad-state",
		"unknown-frame", "too-big", "version", "no-account", "disabled",
		"revoked", "expired", "kicked", "password-reset", "timeout",
		"takeover", "going-away", "internal", "auth-failed",
		"token-refused", "busy", "weak-password", "unknown-target",
		"exists", "denied", "in-use", "limit", "rate", "full" };
	struct sn_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct code *c = code_find(sn_bytes_of(all[i]));

		assert_string_equal(c->code, all[i]);
		assert_true(c->status >= 64 && c->status <= 78);
		assert_int_equal(code_status(all[i], SN_OK), c->status);
		assert_true(strlen(c->text) > 10);
	}
	assert_int_equal(
	    code_why(sn_bytes_of("new-code"), sn_bytes_of("say\033this"), &why),
	    SN_EPROTO);
	assert_string_equal(
	    why.text, "the server says: say\\x1bthis (new-code)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_is_loaded),
		cmocka_unit_test(another_place_has_no_position),
		cmocka_unit_test(no_part_of_a_file_is_taken_for_a_position),
		cmocka_unit_test(
		    as_many_conversations_as_are_remembered_may_have_long_names),
		cmocka_unit_test(warnings_come_at_30_14_7_and_1_days),
		cmocka_unit_test(every_code_has_a_sentence_and_a_status),
	};

	return (cmocka_run_group_tests(tests, set_up, tear_down));
}
