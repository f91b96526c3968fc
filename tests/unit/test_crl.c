#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/crl.h"
#include "tests/unit/pki.h"

static struct pki ca, second, stranger;
static STACK_OF(X509) * issuers;

/* Reads and drops ${text}. */
static enum sn_err read_list(struct sn_bytes text,
    const struct sn_crl_set *previous, struct sn_crl_set **out,
    struct sn_why *why)
{
	enum sn_err err;

	*out = NULL;
	err = sn_crl_read(text, issuers, previous, sn_clock_wall_s(), out, why);
	assert_int_equal(err == SN_OK, *out != NULL);
	pki_drop(&text);
	return (err);
}

/* The list of the first CA, alone, against ${previous}. */
static enum sn_err meets(
    const struct pki_list *list, const struct sn_crl_set *previous)
{
	struct sn_crl_set *set;
	struct sn_why why = { "" };
	enum sn_err err = read_list(pki_crl(&ca, list), previous, &set, &why);

	assert_int_equal(err == SN_OK, why.text[0] == '\0');
	sn_crl_free(set);
	return (err);
}

static bool names(
    const struct sn_crl_set *set, const struct pki *issuer, uint64_t serial)
{
	uint8_t id[SN_CERT_ISSUER], bytes[SN_CERT_SERIAL] = { 0 };
	const struct sn_crl_info *list;

	sn_cert_issuer(issuer->cert, id);
	for (int i = 0; i < 8; i++)
		bytes[SN_CERT_SERIAL - 1 - i] = (uint8_t)(serial >> 8 * i);
	list = sn_crl_find(set, id);
	assert_non_null(list);
	return (sn_crl_revoked(list, bytes));
}

static void a_list_names_its_serials_and_no_others(void **state)
{
	struct pki_list list = { .number = 7,
		.serials = { 5, 0x100, 3, 0x7fffffff } };
	struct sn_crl_set *set;

	(void)state;
	assert_int_equal(
	    read_list(pki_crl(&ca, &list), NULL, &set, NULL), SN_OK);
	assert_true(names(set, &ca, 3));
	assert_true(names(set, &ca, 5));
	assert_true(names(set, &ca, 0x100));
	assert_true(names(set, &ca, 0x7fffffff));
	assert_false(names(set, &ca, 4));
	assert_false(names(set, &ca, 1));
	assert_false(names(set, &ca, 0x10000));
	assert_int_equal(sn_crl_at(set, 0)->revoked, 4);
	assert_int_equal(sn_crl_at(set, 0)->number, 7);
	assert_null(sn_crl_at(set, 1));
	sn_crl_free(set);
}

static void an_empty_list_revokes_nobody(void **state)
{
	struct pki_list list = { .number = 1 };
	struct sn_crl_set *set;

	(void)state;
	assert_int_equal(
	    read_list(pki_crl(&ca, &list), NULL, &set, NULL), SN_OK);
	assert_false(names(set, &ca, 1));
	sn_crl_free(set);
}

static void der_is_read_as_well_as_pem(void **state)
{
	struct pki_list list = { .number = 1, .serials = { 9 }, .der = 1 };
	struct sn_crl_set *set;

	(void)state;
	assert_int_equal(
	    read_list(pki_crl(&ca, &list), NULL, &set, NULL), SN_OK);
	assert_true(names(set, &ca, 9));
	sn_crl_free(set);
}

static void each_issuer_has_its_own_list(void **state)
{
	struct pki_list a = { .number = 1, .serials = { 5 } };
	struct pki_list b = { .number = 2, .serials = { 6 } };
	struct sn_crl_set *set;

	(void)state;
	assert_int_equal(
	    read_list(pki_join(pki_crl(&ca, &a), pki_crl(&second, &b)), NULL,
		&set, NULL),
	    SN_OK);
	assert_true(names(set, &ca, 5));
	assert_false(names(set, &ca, 6));
	assert_true(names(set, &second, 6));
	assert_false(names(set, &second, 5));
	sn_crl_free(set);
	assert_int_equal(read_list(pki_join(pki_crl(&ca, &a), pki_crl(&ca, &b)),
			     NULL, &set, NULL),
	    SN_EINVAL);
}

static void a_foreign_or_forged_list_is_refused(void **state)
{
	struct pki_list list = { .number = 1 };
	struct pki forger = { ca.cert, stranger.key };
	struct sn_crl_set *set;

	(void)state;
	assert_int_equal(
	    read_list(pki_crl(&stranger, &list), NULL, &set, NULL), SN_ECERT);
	assert_int_equal(
	    read_list(pki_crl(&forger, &list), NULL, &set, NULL), SN_ECERT);
	assert_int_equal(
	    read_list(pki_join(pki_crl(&ca, &list), pki_crl(&forger, &list)),
		NULL, &set, NULL),
	    SN_ECERT);
}

static void an_issuer_that_may_not_sign_lists_is_refused(void **state)
{
	struct pki_spec spec = { .cn = "Mute",
		.ext = { { "keyUsage", "critical,keyCertSign" } } };
	struct pki mute = pki_make(NULL, pki_ca_ext, &spec);
	struct pki_list list = { .number = 1 };
	struct sn_crl_set *set;

	(void)state;
	assert_true(sk_X509_push(issuers, mute.cert));
	assert_int_equal(
	    read_list(pki_crl(&mute, &list), NULL, &set, NULL), SN_ECERT);
	(void)sk_X509_pop(issuers);
	pki_free(&mute);
}

static void only_complete_lists_of_version_2_are_read(void **state)
{
	static const struct {
		const char *ext[2];
		enum sn_err err;
	} each[] = {
		{ { "1.2.3.4", "ASN1:NULL" }, SN_OK },
		{ { "1.2.3.4", "critical,ASN1:NULL" }, SN_EINVAL },
		{ { "issuingDistributionPoint", "onlyuser:TRUE" }, SN_EINVAL },
		{ { "deltaCRL", "ASN1:INT:1" }, SN_EINVAL },
	};
	struct pki_list list = { .number = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		list.ext[0] = each[i].ext[0];
		list.ext[1] = each[i].ext[1];
		assert_int_equal(meets(&list, NULL), each[i].err);
	}
	list.ext[0] = NULL;
	assert_int_equal(meets(&list, NULL), SN_OK);
	list.version1 = 1;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
}

static void a_list_has_a_number_and_an_end(void **state)
{
	struct pki_list list = { .number = 1 };

	(void)state;
	assert_int_equal(meets(&list, NULL), SN_OK);
	list.number = 0;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
	list.number = 1;
	list.endless = 1;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
	list.endless = 0;
	list.from = PKI_DAY;
	list.until = 60;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
}

static void a_weakly_signed_list_is_refused(void **state)
{
	struct pki_list list = { .number = 1, .digest = EVP_sha1() };

	(void)state;
	assert_int_equal(meets(&list, NULL), SN_ECERT);
	list.digest = EVP_sha512();
	assert_int_equal(meets(&list, NULL), SN_OK);
}

static void serials_that_no_certificate_can_have_are_refused(void **state)
{
	struct pki_list list = { .number = 1, .serials = { -4 } };

	(void)state;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
}

static void entries_with_what_is_not_understood_are_refused(void **state)
{
	struct pki_list list = { .number = 1, .serials = { 4 } };

	(void)state;
	assert_int_equal(meets(&list, NULL), SN_OK);
	list.odd_entries = 1;
	assert_int_equal(meets(&list, NULL), SN_EINVAL);
}

static void there_are_only_so_many_lists(void **state)
{
	struct pki_list list = { .number = 1 };
	struct sn_bytes text = pki_crl(&ca, &list);
	struct pki more[64];
	struct sn_crl_set *set;

	(void)state;
	for (int i = 0; i < 64; i++) {
		more[i] = pki_ca(NULL, "One of many");
		assert_true(sk_X509_push(issuers, more[i].cert));
		text = pki_join(text, pki_crl(&more[i], &list));
	}
	assert_int_equal(read_list(text, NULL, &set, NULL), SN_EINVAL);
	for (int i = 0; i < 64; i++) {
		(void)sk_X509_pop(issuers);
		pki_free(&more[i]);
	}
}

static void numbers_only_rise(void **state)
{
	struct pki_list list = { .number = 5, .serials = { 1 } }, other = list;
	struct sn_bytes text = pki_crl(&ca, &list);
	struct sn_crl_set *set = NULL, *again = NULL;

	(void)state;
	assert_int_equal(
	    sn_crl_read(text, issuers, NULL, sn_clock_wall_s(), &set, NULL),
	    SN_OK);
	/* The same one again is no news. */
	assert_int_equal(read_list(text, set, &again, NULL), SN_OK);
	sn_crl_free(again);
	list.serials[0] = 2;
	assert_int_equal(meets(&list, set), SN_EINVAL);
	list.number = 4;
	assert_int_equal(meets(&list, set), SN_EINVAL);
	list.number = 6;
	assert_int_equal(meets(&list, set), SN_OK);
	/* Another issuer counts for itself. */
	other.number = 1;
	assert_int_equal(
	    read_list(pki_join(pki_crl(&ca, &list), pki_crl(&second, &other)),
		set, &again, NULL),
	    SN_OK);
	sn_crl_free(again);
	sn_crl_free(set);
}

/* Wherever a file of two lists is cut, the second does not just go. */
static void a_list_that_is_in_force_is_not_left_out(void **state)
{
	struct pki_list list = { .number = 1, .serials = { 5 } };
	struct sn_bytes both =
	    pki_join(pki_crl(&ca, &list), pki_crl(&second, &list));
	const char *between = strstr((const char *)both.p + 1, "-----BEGIN");
	struct sn_bytes first = { both.p,
		(size_t)(between - (const char *)both.p) };
	struct sn_crl_set *set, *again = NULL;
	int64_t now = sn_clock_wall_s(), end;
	struct sn_bytes cut = { both.p, 0 };

	(void)state;
	assert_int_equal(
	    sn_crl_read(both, issuers, NULL, now, &set, NULL), SN_OK);
	for (cut.n = first.n; cut.n + 1 < both.n; cut.n++)
		assert_int_equal(
		    sn_crl_read(cut, issuers, set, now, &again, NULL),
		    SN_EINVAL);
	assert_int_equal(
	    sn_crl_read(both, issuers, set, now, &again, NULL), SN_OK);
	sn_crl_free(again);
	/* One whose authority ends has done its work. */
	assert_int_equal(
	    sn_cert_time(X509_get0_notAfter(second.cert), &end), SN_OK);
	assert_int_equal(
	    sn_crl_read(first, issuers, set, end - 2 * PKI_DAY, &again, NULL),
	    SN_EINVAL);
	assert_int_equal(
	    sn_crl_read(first, issuers, set, end - PKI_DAY + 1, &again, NULL),
	    SN_OK);
	sn_crl_free(again);
	sn_crl_free(set);
	free((void *)(uintptr_t)both.p);
}

static void an_ended_list_replaces_nothing(void **state)
{
	struct pki_list good = { .number = 1 };
	struct pki_list ended = {
		.number = 2, .from = -9 * PKI_DAY, .until = -60
	};
	struct sn_bytes text = pki_crl(&ca, &ended);
	struct sn_crl_set *set, *last = NULL, *again;

	(void)state;
	assert_int_equal(
	    read_list(pki_crl(&ca, &good), NULL, &set, NULL), SN_OK);
	assert_int_equal(meets(&ended, set), SN_EEXPIRED);
	sn_crl_free(set);
	/* At the start, and when it is the one in force, there is no other. */
	assert_int_equal(
	    sn_crl_read(text, issuers, NULL, sn_clock_wall_s(), &last, NULL),
	    SN_OK);
	assert_int_equal(read_list(text, last, &again, NULL), SN_OK);
	sn_crl_free(again);
	sn_crl_free(last);
}

static void every_prefix_of_a_list_is_refused(void **state)
{
	struct pki_list list = { .number = 1, .serials = { 5, 6, 7 } };

	(void)state;
	for (list.der = 0; list.der < 2; list.der++) {
		struct sn_bytes text = pki_crl(&ca, &list);
		/* PEM's last character is only the end of its last line. */
		size_t whole = text.n - (list.der ? 0 : 1);

		for (size_t n = 0; n < whole; n++) {
			struct sn_bytes part = { text.p, n };
			struct sn_crl_set *set = NULL;

			assert_int_not_equal(
			    sn_crl_read(part, issuers, NULL, 0, &set, NULL),
			    SN_OK);
		}
		pki_drop(&text);
	}
}

static void every_bit_of_a_list_counts(void **state)
{
	struct pki_list list = { .number = 1, .serials = { 5 }, .der = 1 };
	struct sn_bytes text = pki_crl(&ca, &list);
	uint8_t *p = malloc(text.n);

	(void)state;
	assert_non_null(p);
	memcpy(p, text.p, text.n);
	for (size_t bit = 0; bit < 8 * text.n; bit++) {
		struct sn_bytes flipped = { p, text.n };
		struct sn_crl_set *set = NULL;

		p[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_int_not_equal(
		    sn_crl_read(flipped, issuers, NULL, 0, &set, NULL), SN_OK);
		p[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	free(p);
	pki_drop(&text);
}

static int setup(void **state)
{
	(void)state;
	ca = pki_ca(NULL, "Test CA");
	second = pki_ca(NULL, "Test CA"); /* Same name, other key. */
	stranger = pki_ca(NULL, "Stranger");
	issuers = sk_X509_new_null();
	assert_true(sk_X509_push(issuers, ca.cert));
	assert_true(sk_X509_push(issuers, second.cert));
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	sk_X509_free(issuers);
	pki_free(&ca);
	pki_free(&second);
	pki_free(&stranger);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_names_its_serials_and_no_others),
		cmocka_unit_test(an_empty_list_revokes_nobody),
		cmocka_unit_test(der_is_read_as_well_as_pem),
		cmocka_unit_test(each_issuer_has_its_own_list),
		cmocka_unit_test(a_foreign_or_forged_list_is_refused),
		cmocka_unit_test(an_issuer_that_may_not_sign_lists_is_refused),
		cmocka_unit_test(only_complete_lists_of_version_2_are_read),
		cmocka_unit_test(a_list_has_a_number_and_an_end),
		cmocka_unit_test(a_weakly_signed_list_is_refused),
		cmocka_unit_test(
		    serials_that_no_certificate_can_have_are_refused),
		cmocka_unit_test(
		    entries_with_what_is_not_understood_are_refused),
		cmocka_unit_test(there_are_only_so_many_lists),
		cmocka_unit_test(numbers_only_rise),
		cmocka_unit_test(a_list_that_is_in_force_is_not_left_out),
		cmocka_unit_test(an_ended_list_replaces_nothing),
		cmocka_unit_test(every_prefix_of_a_list_is_refused),
		cmocka_unit_test(every_bit_of_a_list_counts),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
