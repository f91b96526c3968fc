#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/policy.h"
#include "ca/rule.h"

static enum sn_err read_text(
    const char *text, struct policy **out, struct sn_why *why)
{
	char path[] = "/tmp/policy-XXXXXX";
	int fd = mkstemp(path);
	enum sn_err err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	err = policy_read(path, out, why);
	unlink(path);
	return (err);
}

/* What is wrong beside the nearest that is right, and what is said. */
static const struct {
	const char *bad, *good, *says;
} twins[] = {
	{ "crl_live = \"7d\";", "crl_life = \"7d\";", "crl_life" },
	{ "crl_life = 7;", "crl_life = \"7d\";", "a time such as" },
	{ "crl_life = \"30s\";", "crl_life = \"1h\";", "from 1h" },
	{ "profiles: { a: { ekus = \"clientAuth\"; }; };",
	    "profiles: { a: { eku = \"clientAuth\"; }; };", "eku" },
	{ "profiles: { a: { eku = \"both\"; }; };",
	    "profiles: { a: { eku = \"serverAuth\"; }; };", "one of" },
	{ "profiles: {\n server: { validity = \"9d\"; };\n};",
	    "profiles: {\n server: { eku = \"serverAuth\"; };\n};",
	    ":2: profiles.server: write eku" },
	{ "profiles: { client: { eku = \"serverAuth\"; }; };",
	    "profiles: { client: { eku = \"clientAuth\"; }; };",
	    "profiles.client: eku must be" },
	{ "profiles: { root: { }; };", "profiles: { roots: { }; };",
	    "not free" },
	{ "profiles: { a: { validity = \"9d\"; validity_max = \"8d\"; }; };",
	    "profiles: { a: { validity = \"8d\"; validity_max = \"8d\"; }; };",
	    "validity is 9d, which is above validity_max, 8d" },
	{ "profiles: { a: { validity = \"25h\"; }; };",
	    "profiles: { a: { validity = \"24h\"; }; };", "whole days" },
	{ "profiles: { a: { key = \"p384\"; keys = [ \"p256\" ]; }; };",
	    "profiles: { a: { key = \"p384\"; keys = [ \"p384\" ]; }; };",
	    "key is \"p384\"" },
	{ "profiles: { a: { keys = [ \"p256\", \"rsa1024\" ]; }; };",
	    "profiles: { a: { keys = [ \"p256\", \"rsa2048\" ]; }; };",
	    "rsa1024" },
	{ "profiles: { a: { permitted = [ \"bot-*\" ]; }; };",
	    "profiles: { a: { permitted = [ \"account:bot-*\" ]; }; };",
	    "no rule about names" },
	{ "profiles: { a: { permitted = [ \"dns:x.org\" ]; }; };",
	    "profiles: { a: { eku = \"serverAuth\"; permitted = "
	    "[ \"dns:x.org\" ]; }; };",
	    "touches nothing" },
	{ "profiles: { a: { permitted = [ \"account:b\" ]; "
	  "excluded = [ \"account:b\" ]; }; };",
	    "profiles: { a: { permitted = [ \"account:b\" ]; "
	    "excluded = [ \"account:c\" ]; }; };",
	    "both permitted and excluded" },
	{ "profiles: { a: { eku = \"serverAuth\"; addresses = false; "
	  "permitted = [ \"ip:10.0.0.0/8\" ]; }; };",
	    "profiles: { a: { eku = \"serverAuth\"; addresses = true; "
	    "permitted = [ \"ip:10.0.0.0/8\" ]; }; };",
	    "addresses is false" },
	{ "profiles: { a: 3; };", "profiles: { a: { }; };", "must be a group" },
};

static void test_each_contradiction_is_refused_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		struct policy *p = NULL;
		struct sn_why why = { "" };

		assert_int_equal(read_text(twins[i].bad, &p, &why), SN_ECONF);
		if (strstr(why.text, twins[i].says) == NULL)
			fail_msg("%s: %s", twins[i].bad, why.text);
		assert_non_null(strstr(why.text, ":1: ") != NULL
				    ? why.text
				    : strstr(why.text, ":2: "));
		if (read_text(twins[i].good, &p, &why) != SN_OK)
			fail_msg("%s: %s", twins[i].good, why.text);
		policy_free(p);
	}
}

static void test_the_sample_is_the_defaults(void **state)
{
	const struct profile *a, *b;
	struct policy *p, *q;
	struct sn_why why;
	char *text;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	(void)state;
	policy_sample(to);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(read_text(text, &p, &why), SN_OK);
	assert_int_equal(policy_read(NULL, &q, &why), SN_OK);
	free(text);
	for (int kind = 0; kind < 2; kind++) {
		enum record_kind k = kind ? KIND_SERVER : KIND_CLIENT;

		assert_int_equal(policy_profile(p, NULL, k, &a, &why), SN_OK);
		assert_int_equal(policy_profile(q, NULL, k, &b, &why), SN_OK);
		assert_string_equal(a->name, b->name);
		assert_int_equal(a->days, b->days);
		assert_int_equal(a->client_auth, !kind);
		assert_int_equal(b->server_auth, kind);
	}
	assert_null(policy_control(p));
	assert_int_equal(policy_crl_life(p), 7 * 86400);
	assert_int_equal(policy_keep_old(q), 14 * 86400);
	policy_free(p);
	policy_free(q);
}

static void test_a_profile_serves_its_own_kind_only(void **state)
{
	const struct profile *a;
	struct policy *p;
	struct sn_why why;

	(void)state;
	assert_int_equal(policy_read(NULL, &p, &why), SN_OK);
	assert_int_equal(
	    policy_profile(p, "server", KIND_CLIENT, &a, &why), SN_EDENIED);
	assert_int_equal(
	    policy_profile(p, "client", KIND_CLIENT, &a, &why), SN_OK);
	assert_int_equal(
	    policy_profile(p, "clients", KIND_CLIENT, &a, &why), SN_ENOTFOUND);
	policy_free(p);
}

static const struct {
	const char *rule, *meets, *misses;
} rules[] = {
	{ "dns:example.org", "dns:example.org", "dns:badexample.org" },
	{ "dns:example.org", "dns:a.b.example.org", "dns:example.org.uk" },
	{ "dns:.example.org", "dns:a.example.org", "dns:example.org" },
	{ "ip:192.0.2.0/24", "ip:192.0.2.255", "ip:192.0.3.0" },
	{ "ip:192.0.2.4/30", "ip:192.0.2.7", "ip:192.0.2.8" },
	{ "ip:192.0.2.4", "ip:192.0.2.4", "ip:192.0.2.5" },
	{ "ip:0.0.0.0/0", "ip:1.2.3.4", "ip:::1" },
	{ "ip:2001:db8::/33", "ip:2001:db8:7fff::1", "ip:2001:db8:8000::1" },
	{ "ip:192.0.2.0/24", "ip:::ffff:192.0.2.1", "ip:::ffff:192.0.3.1" },
	{ "ip:192.0.2.4", "ip:::FFFF:c000:204", "ip:::c000:204" },
	{ "ip:::ffff:192.0.2.0/120", "ip:192.0.2.9", "ip:192.0.3.9" },
	{ "ip:2001:db8::/33", "ip:2001:db8::ffff:1", "ip:192.0.2.1" },
	{ "account:bot-*", "account:bot-a", "account:bo" },
	{ "account:bot", "account:bot", "account:bots" },
	{ "account:bot", "account:bot", "dns:bot" },
};

static void test_a_rule_meets_what_it_says_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		assert_int_equal(rule_check(rules[i].rule, NULL), SN_OK);
		assert_true(rule_matches(rules[i].rule, rules[i].meets));
		assert_false(rule_matches(rules[i].rule, rules[i].misses));
	}
}

static void test_what_is_no_rule_is_refused(void **state)
{
	static const char *const bad[] = { "", "dns:", "dns:.", "dns:*.a.org",
		"dns:EXAMPLE.org", "dns:1.2.3.4", "ip:", "ip:1.2.3.4/33",
		"ip:1.2.3.4/", "ip:1.2.3.4/-1", "ip:1.2.3", "ip:::1/129",
		"account:", "account:*", "account:A", "account:a*b",
		"email:a@b.org", "uri:x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rule_check(bad[i], NULL) == SN_OK)
			fail_msg("%s is taken for a rule", bad[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_each_contradiction_is_refused_with_its_line),
		cmocka_unit_test(test_the_sample_is_the_defaults),
		cmocka_unit_test(test_a_profile_serves_its_own_kind_only),
		cmocka_unit_test(test_a_rule_meets_what_it_says_and_no_more),
		cmocka_unit_test(test_what_is_no_rule_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
