#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ctype.h>

#include <cmocka.h>

#include "server/base/settings.h"

/* The four that have no default, and room for one more line. */
#define TLS                                                       \
	"tls: { certificate = \"/a\"; key = \"/b\"; authority = " \
	"\"/c\"; crl = \"/d\"; };\n"

static struct settings *of(const char *text)
{
	struct sn_why why = { "" };
	struct settings *s = NULL;

	if (settings_of_text(sn_bytes_of(text), &s, &why) != SN_OK)
		fail_msg("%s", why.text);
	return (s);
}

static void refuse(const char *text, const char *says)
{
	struct sn_why why = { "" };
	struct settings *s = NULL;

	assert_int_equal(
	    settings_of_text(sn_bytes_of(text), &s, &why), SN_ECONF);
	assert_null(s);
	if (strstr(why.text, says) == NULL)
		fail_msg("says: %s\nnot: %s", why.text, says);
}

static char *text_by(
    void (*write)(const struct settings *s, FILE *to), const struct settings *s)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	write(s, to);
	assert_int_equal(fclose(to), 0);
	return (text);
}

static void sample(const struct settings *s, FILE *to)
{
	(void)s;
	settings_sample(to);
}

/* The sample with each "#key = value;" taken for good. */
static char *uncomment(char *text)
{
	char *out = text;

	for (char *in = text; *in != '\0'; in++) {
		bool begins = in == text || in[-1] == '\n' || in[-1] == '\t';

		if (!(begins && *in == '#' && islower((unsigned char)in[1])))
			*out++ = *in;
	}
	*out = '\0';
	return (text);
}

static void give(char **text, const char *what, const char *value)
{
	char *at = strstr(*text, what), *new = NULL;
	size_t n;
	FILE *to = open_memstream(&new, &n);

	assert_non_null(at);
	(void)fprintf(
	    to, "%.*s%s%s", (int)(at - *text), *text, value, at + strlen(what));
	assert_int_equal(fclose(to), 0);
	free(*text);
	*text = new;
}

static void the_sample_is_what_is_in_force_without_it(void **state)
{
	struct settings *s = of(TLS), *t;
	char *text, *mine, *its;

	(void)state;
	text = uncomment(text_by(sample, NULL));
	give(&text, "\tcertificate = \"\"", "\tcertificate = \"/a\"");
	give(&text, "\tkey = \"\"", "\tkey = \"/b\"");
	give(&text, "\tauthority = \"\"", "\tauthority = \"/c\"");
	give(&text, "\tcrl = \"\"", "\tcrl = \"/d\"");
	t = of(text);
	mine = text_by(settings_dump, s);
	its = text_by(settings_dump, t);
	assert_string_equal(mine, its);
	free(text);
	free(mine);
	free(its);
	settings_free(s);
	settings_free(t);
}

static void the_sample_lacks_only_what_must_be_set(void **state)
{
	char *text = text_by(sample, NULL);

	(void)state;
	refuse(text, "tls.certificate is empty, and must be set");
	free(text);
}

static void what_is_dumped_reads_back_the_same(void **state)
{
	struct settings *s =
	    of(TLS "name = \"a \\\"b\\\"\"; admins = [ \"7\" ];"
		   "limits: { body_max = \"1KiB\"; };"
		   "listen = [ \"[::1]:0\" ];"
		   "log_level = \"alarm\"; loops = 3;");
	char *text = text_by(settings_dump, s), *again;
	struct settings *t = of(text);

	(void)state;
	again = text_by(settings_dump, t);
	assert_string_equal(text, again);
	assert_string_equal(t->name, "a \"b\"");
	assert_int_equal(t->limits.body_max, 1024);
	assert_int_equal(t->loops, 3);
	free(text);
	free(again);
	settings_free(s);
	settings_free(t);
}

static void what_one_row_cannot_say_is_checked(void **state)
{
	(void)state;
	refuse(TLS "admins = [ \"root\" ];", "admins takes numbers");
	settings_free(of(TLS "admins = [ \"0\" ];"));
	refuse(TLS "password: { delay_first = \"2s\"; delay_max = \"1s\"; };",
	    "delay_max is below");
	settings_free(
	    of(TLS "password: { delay_first = \"2s\"; delay_max = \"2s\"; };"));
	refuse("tls: { certificate = \"/a\"; key = \"/b\"; authority = \"/c\"; "
	       "crl = \"/d\"; client_keys = [ \"dsa\" ]; };",
	    "client_keys takes p256");
	refuse("tls: { certificate = \"/a\"; key = \"/b\"; "
	       "authority = \"/c\"; };",
	    "tls.crl is missing");
}

static void a_grace_is_none_unless_it_is_asked_for(void **state)
{
	struct settings *s = of(TLS);

	(void)state;
	assert_int_equal(s->tls.crl_grace, 0);
	settings_free(s);
	s = of("tls: { certificate = \"/a\"; key = \"/b\"; authority = \"/c\"; "
	       "crl = \"/d\"; crl_expired = \"grace\"; };");
	assert_int_equal(s->tls.crl_grace, UINT64_C(48) * 3600 * 1000);
	settings_free(s);
}

static void there_is_a_loop_at_least(void **state)
{
	struct settings *s = of(TLS "loops = 0;");

	(void)state;
	assert_in_range(s->loops, 1, 64);
	settings_free(s);
}

/* What a reload changes, or refuses to. */
static const struct {
	const char *text;
	const char *refused; /* The key that is named; NULL: it is fine. */
} changes[] = {
	{ "", NULL },
	{ "name = \"other\";", NULL },
	{ "admins = [ \"5\" ];", NULL },
	{ "limits: { idle_time = \"9s\"; };", NULL },
	{ "listen = [ \"127.0.0.1:1\" ];", "listen" },
	{ "data = \"/elsewhere\";", "data" },
	{ "control = \"/elsewhere\";", "control" },
	{ "loops = 64;", "loops" },
	{ "account: { rule = \"dn\"; };", "account.rule" },
	{ "store: { map_size = \"1GiB\"; };", "store.map_size" },
	{ "password: { memory = \"64MiB\"; };", NULL },
	{ "password: { workers = 2; };", "password.workers" },
};

static void a_reload_refuses_what_only_a_restart_can_change(void **state)
{
	struct sn_conf_report report;
	struct settings *now = of(TLS), *next;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		(void)snprintf(
		    text, sizeof(text), "%s%s", TLS, changes[i].text);
		next = of(text);
		if (changes[i].refused == NULL) {
			assert_int_equal(
			    settings_check_reload(now, next, &report), SN_OK);
		} else {
			assert_int_equal(
			    settings_check_reload(now, next, &report),
			    SN_ECONF);
			assert_int_equal(report.errors, 1);
			assert_int_equal(
			    strncmp(report.text, changes[i].refused,
				strlen(changes[i].refused)),
			    0);
			assert_non_null(strstr(report.text, "restart"));
		}
		settings_free(next);
	}
	settings_free(now);
}

/* The page and the table name the same keys. */
static void every_key_has_its_place_in_the_manual(void **state)
{
	struct settings *s = of(TLS);
	char *dump = text_by(settings_dump, s), *page = NULL, *save = NULL;
	char group[64] = "", name[160];
	size_t n, in_page = 0, in_table = 0;
	FILE *from = fopen("docs/sicherd.conf.5", "r");

	(void)state;
	assert_non_null(from);
	n = 0;
	assert_true(getdelim(&page, &n, '\0', from) > 0);
	(void)fclose(from);
	for (char *line = strtok_r(dump, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, ": {") != NULL)
			(void)snprintf(group, sizeof(group), "%.*s.",
			    (int)strcspn(line, ":"), line);
		else if (strcmp(line, "};") == 0)
			group[0] = '\0';
		else if (strchr(line, '=') != NULL) {
			line += *line == '\t';
			(void)snprintf(name, sizeof(name), ".It Ic %s%.*s No",
			    group, (int)strcspn(line, " "), line);
			in_table++;
			if (strstr(page, name) == NULL)
				fail_msg("sicherd.conf(5) lacks \"%s\"", name);
		}
	}
	for (const char *at = page; (at = strstr(at, ".It Ic ")) != NULL; at++)
		in_page++;
	assert_int_equal(in_page, in_table);
	free(dump);
	free(page);
	settings_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_is_what_is_in_force_without_it),
		cmocka_unit_test(the_sample_lacks_only_what_must_be_set),
		cmocka_unit_test(what_is_dumped_reads_back_the_same),
		cmocka_unit_test(what_one_row_cannot_say_is_checked),
		cmocka_unit_test(a_grace_is_none_unless_it_is_asked_for),
		cmocka_unit_test(there_is_a_loop_at_least),
		cmocka_unit_test(
		    a_reload_refuses_what_only_a_restart_can_change),
		cmocka_unit_test(every_key_has_its_place_in_the_manual),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
