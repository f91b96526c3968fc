/*
 * Every rule of the authority's linter for CRLs has a list that breaks it,
 * and nothing else: OpenSSL's strict mode takes lists without a number or
 * without nextUpdate.
 */
#include "tests/unit/der_text.h"

#include "ca/lint.h"

enum part {
	VERSION,
	INNER,
	ISSUER,
	THIS,
	NEXT,
	ENTRIES,
	ISSUER_ID, /* From here within the extensions. */
	NUMBER,
	MORE,
	BEHIND,
	OUTER,
	SIGNATURE,
	TAIL,
	PARTS,
};

#define UTC(text) "17=\"" text "\""
#define GENERAL(text) "18=\"" text "\""
#define EXT(id, critical, value) "30{06=551d" id critical "04{" value "}}"
#define TRUE " 01=ff "
#define REASON(critical, code) "30{" EXT("15", critical, "0a=" code) "}"
#define ENTRY(serial, more) \
	"30{02=" serial " " UTC("260101000000Z") " " more "}"

static const char *const good[PARTS] = {
	[VERSION] = "02=01",
	[INNER] = "30{06=2a8648ce3d040302}",
	[ISSUER] = "30{31{30{06=550403 0c=\"Issuing CA\"}}}",
	[THIS] = UTC("260102000000Z"),
	[NEXT] = UTC("260109000000Z"),
	[ENTRIES] = "30{" ENTRY("0102030405060708", REASON(" ", "01"))
	    ENTRY("0102030405060709", "") "}",
	[ISSUER_ID] = EXT("23", " ", "30{80=(22*20)}"),
	[NUMBER] = EXT("14", " ", "02=2a"),
	[MORE] = "",
	[BEHIND] = "",
	[OUTER] = "30{06=2a8648ce3d040302}",
	[SIGNATURE] = "03=00(77*70)",
	[TAIL] = "",
};

static void append(char *text, size_t size, const char *more)
{
	assert_true(strlen(text) + strlen(more) + 2 < size);
	strcat(text, more);
	strcat(text, " ");
}

static void build(enum part at, const char *wrong, struct der_bytes *out)
{
	static char text[DER_TEXT_MAX];

	strcpy(text, "30{ 30{ ");
	for (enum part i = 0; i < PARTS; i++) {
		if (i == ISSUER_ID)
			append(text, sizeof(text), "a0{ 30{");
		if (i == BEHIND)
			append(text, sizeof(text), "}");
		if (i == OUTER)
			append(text, sizeof(text), "} }");
		if (i == TAIL)
			append(text, sizeof(text), "}");
		append(text, sizeof(text), i == at ? wrong : good[i]);
	}
	out->n = 0;
	der_text(text, out);
}

struct rule {
	const char *says;
	enum part at;
	const char *wrong;
	size_t also;
};

#define ONE(entry) "30{" entry "}"

static const struct rule rules[] = {
	{ "it is no CRL in DER", TAIL, "!00", 0 },
	{ "the signature is empty", SIGNATURE, "03=0177", 0 },
	{ "the version is not 2", VERSION, "02=00", 0 },
	{ "the version is not 2", VERSION, "", 0 },
	{ "the two signature algorithms", INNER, "30{06=2a8648ce3d040303}", 0 },
	{ "the issuer is empty", ISSUER, "30{}", 0 },
	{ "thisUpdate is not as", THIS, GENERAL("20260102000000Z"),
	    2 }, /* Both entries lie behind a time that cannot be read. */
	{ "nextUpdate is not as", NEXT, GENERAL("20260109000000Z"), 0 },
	{ "nextUpdate is not behind", NEXT, UTC("260102000000Z"), 0 },
	{ "it has no nextUpdate", NEXT, "", 0 },
	{ "the list of entries is there and empty", ENTRIES, "30{}", 0 },
	{ "the list of entries is broken", ENTRIES,
	    ONE(ENTRY("0102030405060708", "") "05="), 3 },
	{ "an entry's serial is not positive", ENTRIES, ONE(ENTRY("00", "")),
	    0 },
	{ "an entry's serial is not positive", ENTRIES, ONE(ENTRY("81", "")),
	    0 },
	{ "an entry's serial is not positive", ENTRIES,
	    ONE(ENTRY("01(33*20)", "")), 0 },
	{ "an entry's serial is not positive", ENTRIES, ONE(ENTRY("0001", "")),
	    0 },
	{ "an entry's time is not as", ENTRIES,
	    ONE("30{02=01 " GENERAL("20260101000000Z") "}"), 0 },
	{ "an entry is revoked behind", ENTRIES,
	    ONE("30{02=01 " UTC("260102000001Z") "}"), 0 },
	{ "an entry's extensions are empty", ENTRIES, ONE(ENTRY("01", "30{}")),
	    0 },
	{ "an entry's extension is broken", ENTRIES,
	    ONE(ENTRY("01", "30{30{06=551d15 05=}}")), 0 },
	{ "an entry has an extension we do not write", ENTRIES,
	    ONE(ENTRY(
		"01", "30{" EXT("18", " ", GENERAL("20260101000000Z")) "}")),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(" ", "00"))),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(" ", "06"))),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(" ", "07"))),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(" ", "08"))),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(" ", "0b"))),
	    0 },
	{ "an entry's reason is", ENTRIES, ONE(ENTRY("01", REASON(TRUE, "01"))),
	    0 },
	{ "an entry is broken", ENTRIES,
	    ONE("30{02=01 " UTC("260101000000Z") " 05=}"), 1 },
	{ "a serial is listed twice", ENTRIES,
	    ONE(ENTRY("01", "") ENTRY("02", "") ENTRY("01", "")), 0 },
	{ "it has no authority key identifier", ISSUER_ID, "", 0 },
	{ "its authority key identifier is there twice", MORE,
	    EXT("23", " ", "30{80=(22*20)}"), 0 },
	{ "its authority key identifier is there twice", ISSUER_ID,
	    EXT("23", TRUE, "30{80=(22*20)}"), 0 },
	{ "it has no CRL number", NUMBER, "", 0 },
	{ "it has two numbers", MORE, EXT("14", " ", "02=2b"), 0 },
	{ "the CRL number is broken", NUMBER, EXT("14", " ", "02=81"), 0 },
	{ "the CRL number is broken", NUMBER, EXT("14", " ", "02=002a"), 0 },
	{ "the CRL number is broken", NUMBER, EXT("14", " ", "02=01(33*20)"),
	    0 },
	{ "the CRL number is broken", NUMBER, EXT("14", TRUE, "02=2a"), 0 },
	{ "it is a delta", MORE, EXT("1b", TRUE, "02=29"), 0 },
	{ "it is a delta", MORE, EXT("1c", TRUE, "30{}"), 0 },
	{ "it has an extension we do not write", MORE, EXT("12", " ", "30{}"),
	    0 },
	{ "an extension is broken", MORE, "30{06=551d14 05=}", 0 },
	{ "it has no extensions", ENTRIES, "a1{}", 0 },
	{ "there are bytes behind the extensions", BEHIND, "05=", 0 },
};

static void expect(const struct lint *l, const struct rule *r)
{
	bool met = false;

	for (size_t i = 0; i < l->count && i < LINT_MAX; i++)
		met = met || strncmp(l->text[i], r->says, strlen(r->says)) == 0;
	if (!met || l->count != 1 + r->also)
		fail_msg("want \"%s\" and %zu findings, have %zu: %s / %s / %s",
		    r->says, 1 + r->also, l->count,
		    l->count > 0 ? l->text[0] : "-",
		    l->count > 1 ? l->text[1] : "-",
		    l->count > 2 ? l->text[2] : "-");
}

static void test_a_good_list_breaks_no_rule(void **state)
{
	struct der_bytes der;
	struct sn_why why = { "" };

	(void)state;
	build(PARTS, NULL, &der);
	if (lint_crl(der.p, der.n, &why) != SN_OK)
		fail_msg("%s", why.text);
	build(ENTRIES, "", &der);
	if (lint_crl(der.p, der.n, &why) != SN_OK)
		fail_msg("nothing revoked: %s", why.text);
}

static void test_each_rule_is_broken_alone(void **state)
{
	struct der_bytes der;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct lint l = { .count = 0 };

		build(rules[i].at, rules[i].wrong, &der);
		lint_examine_crl(der.p, der.n, &l);
		expect(&l, &rules[i]);
		assert_int_equal(lint_crl(der.p, der.n, NULL), SN_ECERT);
	}
}

static void test_prefixes_and_flipped_bits_are_borne(void **state)
{
	struct der_bytes der;

	(void)state;
	build(PARTS, NULL, &der);
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, der.p, n);
		assert_int_equal(lint_crl(cut, n, NULL), SN_ECERT);
		free(cut);
	}
	for (size_t bit = 0; bit < 8 * der.n; bit++) {
		struct lint l = { .count = 0 };

		der.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		lint_examine_crl(der.p, der.n, &l);
		der.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_list_breaks_no_rule),
		cmocka_unit_test(test_each_rule_is_broken_alone),
		cmocka_unit_test(test_prefixes_and_flipped_bits_are_borne),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
