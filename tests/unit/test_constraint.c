#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/certificate.h"
#include "ca/constraint.h"

/* An issuer of which only the name constraints matter. */
static X509 *issuer_with(const char *constraints)
{
	X509 *x = X509_new();
	X509_EXTENSION *e;

	assert_non_null(x);
	assert_int_equal(
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
		MBSTRING_ASC, (const unsigned char *)"issuer", -1, -1, 0),
	    1);
	if (constraints == NULL)
		return (x);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	return (x);
}

static enum sn_err ask(const char *constraints, const char *cn,
    const char *const *sans, size_t count, struct sn_why *why)
{
	struct blueprint b = { .kind = KIND_SERVER,
		.organisation = "Example",
		.common_name = cn,
		.issuer = issuer_with(constraints),
		.sans = sans,
		.san_count = count };
	enum sn_err err;
	X509 *draft;

	assert_int_equal(certificate_draft(&b, &draft, why), SN_OK);
	err = constraint_check(b.issuer, draft, why);
	X509_free(draft);
	X509_free(b.issuer);
	return (err);
}

static const struct {
	const char *constraints, *good, *bad;
} twins[] = {
	{ "critical,permitted;DNS:example.org", "dns:a.example.org",
	    "dns:a.example.net" },
	{ "critical,excluded;DNS:example.net", "dns:a.example.org",
	    "dns:a.example.net" },
	{ "critical,permitted;IP:192.0.2.0/255.255.255.0", "ip:192.0.2.9",
	    "ip:192.0.3.9" },
	{ "critical,permitted;DNS:example.org", "ip:192.0.2.9",
	    "dns:example.net" },
};

static void test_names_outside_the_issuers_constraints_are_refused(void **state)
{
	struct sn_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		const char *both[2] = { twins[i].good, twins[i].bad };

		assert_int_equal(
		    ask(twins[i].constraints, NULL, both, 1, &why), SN_OK);
		assert_int_equal(
		    ask(twins[i].constraints, NULL, both, 2, &why), SN_EDENIED);
		assert_non_null(
		    strstr(why.text, strchr(twins[i].bad, ':') + 1));
	}
}

static void test_a_common_name_like_a_host_counts_without_dns_names(
    void **state)
{
	static const char *const urn[] = {
		"uri:urn:sichernetz:account:bob.smith:device:d"
	};
	static const char rule[] = "critical,permitted;DNS:example.org";
	struct sn_why why;

	(void)state;
	assert_int_equal(ask(rule, "bob", urn, 1, &why), SN_OK);
	assert_int_equal(ask(rule, "bob.smith", urn, 1, &why), SN_EDENIED);
}

static void test_an_issuer_without_constraints_allows_all(void **state)
{
	static const char *const name[] = { "dns:a.example.net" };
	struct sn_why why;

	(void)state;
	assert_int_equal(ask(NULL, "a.example.net", name, 1, &why), SN_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_names_outside_the_issuers_constraints_are_refused),
		cmocka_unit_test(
		    test_a_common_name_like_a_host_counts_without_dns_names),
		cmocka_unit_test(test_an_issuer_without_constraints_allows_all),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
