/*
 * Every rule of the authority's linter has a certificate that breaks it, and
 * nothing else.  OpenSSL's strict mode lets several of them pass: a serial of
 * zero, no keyUsage, GeneralizedTime before 2050.
 */
#include "tests/unit/der_text.h"

#include "ca/lint.h"

/* The parts of a certificate, each to be put wrong on its own. */
enum part {
	VERSION,
	SERIAL,
	INNER,
	ISSUER,
	VALIDITY,
	SUBJECT,
	KEY,
	UNIQUE,
	BASIC,
	USAGE,
	EXTENDED,
	SUBJECT_ID,
	ISSUER_ID,
	SAN,
	CONSTRAINTS,
	BEHIND, /* Behind the extensions. */
	OUTER,
	SIGNATURE,
	TAIL, /* Behind the certificate. */
	PARTS,
};

#define ECDSA "30{06=2a8648ce3d040302}"
#define CN(name) "30{31{30{06=550403 0c=\"" name "\"}}}"
#define YEAR "30{17=\"260101000000Z\" 17=\"270101000000Z\"}"
#define P256 "30{30{06=2a8648ce3d0201 06=2a8648ce3d030107} 03=0004(5a*64)}"
#define TRUE " 01=ff "
#define EXT(id, critical, value) "30{06=551d" id critical "04{" value "}}"
#define BASIC_LEAF EXT("13", TRUE, "30{}")
#define BASIC_ROOT EXT("13", TRUE, "30{01=ff 02=01}")
#define BASIC_ISSUER EXT("13", TRUE, "30{01=ff 02=00}")
#define USAGE_LEAF EXT("0f", TRUE, "03=0780")
#define USAGE_CA EXT("0f", TRUE, "03=0106")
#define SERVER_AUTH "06=2b06010505070301 "
#define CLIENT_AUTH "06=2b06010505070302 "
#define EKU(purposes) EXT("25", " ", "30{" purposes "}")
#define SKI EXT("0e", " ", "04=(11*20)")
#define AKI EXT("23", " ", "30{80=(22*20)}")
#define URN "86=\"urn:sichernetz:account:alice:device:laptop\""
#define NAMES(names) EXT("11", " ", "30{" names "}")

static const char *const client[PARTS] = {
	[VERSION] = "a0{02=02}",
	[SERIAL] = "02=0102030405060708",
	[INNER] = ECDSA,
	[ISSUER] = CN("Issuing CA"),
	[VALIDITY] = YEAR,
	[SUBJECT] = CN("alice"),
	[KEY] = P256,
	[UNIQUE] = "",
	[BASIC] = BASIC_LEAF,
	[USAGE] = USAGE_LEAF,
	[EXTENDED] = EKU(CLIENT_AUTH),
	[SUBJECT_ID] = SKI,
	[ISSUER_ID] = AKI,
	[SAN] = NAMES(URN),
	[CONSTRAINTS] = "",
	[BEHIND] = "",
	[OUTER] = ECDSA,
	[SIGNATURE] = "03=00(77*70)",
	[TAIL] = "",
};

/* What the other kinds have in other words than a client. */
static const char *usual(enum record_kind kind, enum part part)
{
	bool ca = kind == KIND_ROOT || kind == KIND_ISSUER;

	if (part == USAGE && ca)
		return (USAGE_CA);
	if (part == SAN && ca)
		return ("");
	if (part == SAN && kind == KIND_SERVER)
		return (NAMES("82=\"chat.example.org\" 87=c0000207"));
	if (part == EXTENDED && kind == KIND_SERVER)
		return (EKU(SERVER_AUTH));
	if (part == EXTENDED && kind == KIND_ISSUER)
		return (EKU(SERVER_AUTH CLIENT_AUTH));
	if (part == EXTENDED && kind == KIND_ROOT)
		return ("");
	if (part == BASIC && ca)
		return (kind == KIND_ROOT ? BASIC_ROOT : BASIC_ISSUER);
	if (part == ISSUER && kind == KIND_ROOT)
		return (CN("alice"));
	return (client[part]);
}

static void append(char *text, size_t size, const char *more)
{
	assert_true(strlen(text) + strlen(more) + 2 < size);
	strcat(text, more);
	strcat(text, " ");
}

/* A certificate of this kind, with one part as ${wrong} has it. */
static void build(enum record_kind kind, enum part at, const char *wrong,
    struct der_bytes *out)
{
	static char text[DER_TEXT_MAX];

	strcpy(text, "30{ 30{ ");
	for (enum part i = 0; i < PARTS; i++) {
		if (i == BASIC)
			append(text, sizeof(text), "a3{ 30{");
		if (i == BEHIND)
			append(text, sizeof(text), "}");
		if (i == OUTER)
			append(text, sizeof(text), "} }");
		if (i == TAIL)
			append(text, sizeof(text), "}");
		append(text, sizeof(text), i == at ? wrong : usual(kind, i));
	}
	out->n = 0;
	der_text(text, out);
}

struct rule {
	const char *says; /* Start of the finding. */
	enum record_kind kind;
	enum part at;
	const char *wrong;
	size_t also; /* Findings that cannot be kept away. */
};

#define TIMES(from, to) "30{" from " " to "}"
#define UTC(text) "17=\"" text "\""
#define GENERAL(text) "18=\"" text "\""
#define RSA(modulus, exponent) \
	"30{30{06=2a864886f70d010101 05=} 03=00" modulus exponent "}"

static const struct rule rules[] = {
	{ "it is no certificate in DER", 'c', TAIL, "!00", 0 },
	{ "it is no certificate in DER", 'c', SIGNATURE, "03=0077 05=", 0 },
	{ "the signature is empty", 'c', SIGNATURE, "03=0177", 0 },
	{ "the signature is empty", 'c', SIGNATURE, "03=00", 0 },
	{ "the version is not 3", 'c', VERSION, "a0{02=01}", 0 },
	{ "the version is not 3", 'c', VERSION, "a0{02=03}", 0 },
	{ "the serial is not an INTEGER in shortest", 'c', SERIAL,
	    "02=000102030405060708", 0 },
	{ "the serial is not an INTEGER in shortest", 'c', SERIAL, "02=", 0 },
	{ "the serial is negative", 'c', SERIAL, "02=8102030405060708", 0 },
	{ "the serial is zero", 'c', SERIAL, "02=00", 1 },
	{ "the serial is longer", 'c', SERIAL, "02=01(33*20)", 0 },
	{ "the serial is shorter", 'c', SERIAL, "02=01020304050607", 0 },
	{ "the two signature algorithms", 'c', INNER, "30{06=2a8648ce3d040303}",
	    0 },
	{ "notBefore is no", 'c', VALIDITY,
	    TIMES(GENERAL("20260101000000Z"), UTC("270101000000Z")), 0 },
	{ "notBefore is no", 'c', VALIDITY,
	    TIMES(UTC("2601010000Z"), UTC("270101000000Z")), 0 },
	{ "notBefore is no", 'c', VALIDITY,
	    TIMES(UTC("260101000000+0100"), UTC("270101000000Z")), 0 },
	{ "notBefore is no", 'c', VALIDITY,
	    TIMES(UTC("260230000000Z"), UTC("270101000000Z")), 0 },
	{ "notAfter is no", 'c', VALIDITY,
	    TIMES(UTC("260101000000Z"), GENERAL("20491231235959Z")), 0 },
	{ "notAfter is no", 'c', VALIDITY,
	    TIMES(UTC("260101000000Z"), GENERAL("20500101000000.5Z")), 0 },
	{ "notAfter is not behind", 'c', VALIDITY,
	    TIMES(UTC("270101000000Z"), UTC("270101000000Z")), 0 },
	{ "validity has more", 'c', VALIDITY,
	    TIMES(UTC("260101000000Z"), UTC("270101000000Z") " 05="), 0 },
	{ "a root's issuer is not", 'r', ISSUER, CN("bob"), 0 },
	{ "the subject is the issuer's", 'c', ISSUER, CN("alice"), 0 },
	{ "it has a unique identifier", 'c', UNIQUE, "81=0012", 0 },
	{ "it has a unique identifier", 'c', UNIQUE, "82=0012", 0 },
	{ "it has no extensions", 'c', UNIQUE, "a4{}", 0 },
	{ "there are bytes behind the extensions", 'c', BEHIND, "05=", 0 },

	{ "the issuer is empty", 'c', ISSUER, "30{}", 0 },
	{ "the subject is empty", 'c', SUBJECT, "30{}", 0 },
	{ "the subject has an empty attribute", 'c', SUBJECT, CN(""), 0 },
	{ "the subject has a wrong PrintableString", 'c', SUBJECT,
	    "30{31{30{06=550403 13=\"ali*ce\"}}}", 0 },
	{ "the subject has a wrong PrintableString", 'c', SUBJECT,
	    "30{31{30{06=550403 13=616c00}}}", 0 },
	{ "the subject has no proper UTF-8", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=61c080}}}", 0 },
	{ "the subject has no proper UTF-8", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=610062}}}", 0 },
	{ "the subject has a string that is neither", 'c', SUBJECT,
	    "30{31{30{06=550403 14=\"alice\"}}}", 0 },
	{ "the subject's country", 'c', SUBJECT,
	    "30{31{30{06=550406 13=\"DEU\"}}}", 0 },
	{ "the subject's country", 'c', SUBJECT,
	    "30{31{30{06=550406 0c=\"DE\"}}}", 0 },
	{ "the subject has an attribute longer", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=(61*65)}}}", 0 },
	{ "the subject has an attribute that is not alone", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=\"a\"} 30{06=55040a 0c=\"b\"}}}", 0 },
	{ "the subject has an attribute that is not alone", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=\"a\" 05=}}}", 0 },
	{ "the subject has 2 common names", 'c', SUBJECT,
	    "30{31{30{06=550403 0c=\"a\"}} 31{30{06=550403 0c=\"b\"}}}", 0 },

	{ "the public key is broken", 'c', KEY,
	    "30{30{06=2a8648ce3d0201 06=2a8648ce3d030107} 03=0104(5a*64)}", 0 },
	{ "the EC key is not on a named curve", 'c', KEY,
	    "30{30{06=2a8648ce3d0201 06=2b8104000a} 03=0004(5a*64)}", 0 },
	{ "the EC point is not uncompressed", 'c', KEY,
	    "30{30{06=2a8648ce3d0201 06=2a8648ce3d030107} 03=0002(5a*32)}", 0 },
	{ "the EC point is not uncompressed", 'c', KEY,
	    "30{30{06=2a8648ce3d0201 06=2b81040022} 03=0004(5a*64)}", 0 },
	{ "the RSA key is broken", 'c', KEY, RSA("3003020101", ""), 0 },
	{ "the RSA key is shorter", 'c', KEY,
	    RSA("3082010902820100", "7f(ff*255)0203010001"), 0 },
	{ "the RSA modulus is even", 'c', KEY,
	    RSA("3082010a02820101", "00(fe*256)0203010001"), 0 },
	{ "the RSA exponent is even", 'c', KEY,
	    RSA("3082010802820101", "00(ff*256)020103"), 0 },
	{ "the RSA exponent is even", 'c', KEY,
	    RSA("3082010a02820101", "00(ff*256)0203010002"), 0 },
	{ "the RSA key's parameters", 'c', KEY,
	    "30{30{06=2a864886f70d010101} 03=00"
	    "3082010a02820101"
	    "00(ff*256)0203010001}",
	    0 },
	{ "the Ed25519 key is broken", 'c', KEY,
	    "30{30{06=2b6570 05=} 03=00(5a*32)}", 0 },
	{ "the Ed25519 key is broken", 'c', KEY,
	    "30{30{06=2b6570} 03=00(5a*31)}", 0 },
	{ "the key is neither", 'c', KEY, "30{30{06=2b6571} 03=00(5a*57)}", 0 },

	{ "the extensions are empty", 'c', UNIQUE, "a3{30{}} !", 1 },
	{ "an extension's critical flag", 'c', BASIC,
	    EXT("13", " 01=01 ", "30{}"), 0 },
	{ "an extension is broken", 'c', CONSTRAINTS, "30{06=551d1e 05=}", 0 },
	{ "there is an extension we do not write", 'c', CONSTRAINTS,
	    "30{06=2b06010505070101 04{30{}}}", 0 },
	{ "there is an extension we do not write (critical)", 'c', CONSTRAINTS,
	    "30{06=2b06010505070118 01=ff 04{30{}}}", 0 },
	{ "there is an extension we do not write: 2.5.29.32", 'c', CONSTRAINTS,
	    EXT("20", " ", "30{}"), 0 },
	{ "the extension 2.5.29.15 is there twice", 'c', CONSTRAINTS,
	    USAGE_LEAF, 0 },
	{ "it has no basicConstraints", 'c', BASIC, "", 0 },
	{ "basicConstraints is not critical", 'c', BASIC,
	    EXT("13", " ", "30{}"), 0 },
	{ "a root's basicConstraints", 'r', BASIC, BASIC_ISSUER, 0 },
	{ "an issuer's basicConstraints", 'i', BASIC, BASIC_ROOT, 0 },
	{ "an issuer's basicConstraints", 'i', BASIC,
	    EXT("13", TRUE, "30{01=ff}"), 0 },
	{ "a leaf's basicConstraints", 'c', BASIC, BASIC_ISSUER, 0 },
	{ "a leaf's basicConstraints", 's', BASIC, EXT("13", TRUE, "30{01=00}"),
	    0 },
	{ "it has no keyUsage", 'c', USAGE, "", 0 },
	{ "it has no keyUsage", 'i', USAGE, "", 0 },
	{ "keyUsage is not critical", 'c', USAGE, EXT("0f", " ", "03=0780"),
	    0 },
	{ "a CA's keyUsage", 'i', USAGE, EXT("0f", TRUE, "03=0186"), 0 },
	{ "a CA's keyUsage", 'r', USAGE, EXT("0f", TRUE, "03=0204"), 0 },
	{ "a leaf's keyUsage", 'c', USAGE, EXT("0f", TRUE, "03=05a0"), 0 },
	{ "a leaf's keyUsage", 's', USAGE, USAGE_CA, 0 },
	{ "a root has an extended key usage", 'r', EXTENDED,
	    EKU(SERVER_AUTH CLIENT_AUTH), 0 },
	{ "it has no extended key usage", 'c', EXTENDED, "", 0 },
	{ "it has no extended key usage", 'i', EXTENDED, "", 0 },
	{ "the extended key usage is broken", 'c', EXTENDED,
	    EKU(CLIENT_AUTH "06=551d2500"), 0 },
	{ "a client's extended key usage", 'c', EXTENDED,
	    EKU(CLIENT_AUTH SERVER_AUTH), 0 },
	{ "a client's extended key usage", 'c', EXTENDED, EKU(SERVER_AUTH), 0 },
	{ "a server's extended key usage", 's', EXTENDED,
	    EKU(CLIENT_AUTH SERVER_AUTH), 0 },
	{ "an issuer's extended key usage", 'i', EXTENDED, EKU(CLIENT_AUTH),
	    0 },
	{ "it has no subject key identifier", 'c', SUBJECT_ID, "", 0 },
	/* A length in two bytes where one would do. */
	{ "the subject key identifier is broken", 'c', SUBJECT_ID,
	    EXT("0e", " ", "!048114 !2222222222222222222222222222222222222222"),
	    0 },
	{ "the subject key identifier is broken", 'c', SUBJECT_ID,
	    EXT("0e", TRUE, "04=(11*20)"), 0 },
	{ "the subject key identifier is broken", 'c', SUBJECT_ID,
	    EXT("0e", " ", "04=(11*7)"), 0 },
	{ "it has no authority key identifier", 'c', ISSUER_ID, "", 0 },
	{ "it has no authority key identifier", 'r', ISSUER_ID, "", 0 },
	{ "the authority key identifier is not", 'c', ISSUER_ID,
	    EXT("23", " ", "30{80=(22*20) 82=01}"), 0 },
	{ "the authority key identifier is not", 'c', ISSUER_ID,
	    EXT("23", TRUE, "30{80=(22*20)}"), 0 },
	{ "a CA has alternative names", 'i', SAN, NAMES(URN), 0 },
	{ "it has no subject alternative name", 'c', SAN, "", 0 },
	{ "it has no subject alternative name", 's', SAN, "", 0 },
	{ "a server's alternative name", 's', SAN, NAMES(URN), 0 },
	{ "a server's alternative name", 's', SAN,
	    NAMES("82=\"Chat.example.org\""), 0 },
	{ "a server's alternative name", 's', SAN, NAMES("82=\"a..b\""), 0 },
	{ "a server's alternative name", 's', SAN, NAMES("82=\"*.b\""), 0 },
	{ "a server's alternative name", 's', SAN, NAMES("87=c00002"), 0 },
	{ "a client's alternative name", 'c', SAN,
	    NAMES("86=\"urn:sichernetz:account:\""), 0 },
	{ "a client's alternative name", 'c', SAN,
	    NAMES("82=\"chat.example.org\""), 0 },
	{ "the alternative names are empty", 's', SAN, NAMES(""), 0 },
	{ "a client has more than one", 'c', SAN, NAMES(URN " " URN), 0 },
	{ "the alternative names are critical", 'c', SAN,
	    EXT("11", TRUE, "30{" URN "}"), 0 },
	{ "name constraints are not critical", 'c', CONSTRAINTS,
	    EXT("1e", TRUE, "30{}"), 0 },
	{ "name constraints are not critical", 'i', CONSTRAINTS,
	    EXT("1e", " ", "30{}"), 0 },
};

/* Both algorithms of a certificate, so that they do not differ. */
static const struct {
	const char *says;
	const char *algorithm;
} algorithms[] = {
	{ "ECDSA's parameters", "30{06=2a8648ce3d040302 05=}" },
	{ "RSA's parameters", "30{06=2a864886f70d01010b}" },
	{ "Ed25519's parameters", "30{06=2b6570 05=}" },
	{ "the signature algorithm is not", "30{06=2a864886f70d010105 05=}" },
	{ "the signature algorithm is not", "30{06=2a8648ce3d0401}" },
	{ NULL, "30{06=2a8648ce3d040303}" },
	{ NULL, "30{06=2a864886f70d01010b 05=}" },
	{ NULL, "30{06=2b6570}" },
};

static void expect(const struct lint *l, const char *says, size_t count)
{
	bool met = false;

	for (size_t i = 0; i < l->count && i < LINT_MAX; i++)
		met = met || strncmp(l->text[i], says, strlen(says)) == 0;
	if (!met || l->count != count)
		fail_msg("want \"%s\" and %zu findings, have %zu: %s / %s",
		    says, count, l->count, l->count > 0 ? l->text[0] : "-",
		    l->count > 1 ? l->text[1] : "-");
}

static void test_a_good_certificate_of_each_kind_breaks_no_rule(void **state)
{
	static const enum record_kind kinds[] = { KIND_ROOT, KIND_ISSUER,
		KIND_CLIENT, KIND_SERVER };
	struct der_bytes der;
	struct sn_why why;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		build(kinds[i], PARTS, NULL, &der);
		why.text[0] = '\0';
		if (lint_certificate(der.p, der.n, kinds[i], &why) != SN_OK)
			fail_msg("%c: %s", kinds[i], why.text);
	}
}

static void test_each_rule_is_broken_alone(void **state)
{
	struct der_bytes der;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		struct lint l = { .count = 0 };

		build(r->kind, r->at, r->wrong, &der);
		lint_examine(der.p, der.n, r->kind, &l);
		expect(&l, r->says, 1 + r->also);
		assert_int_equal(
		    lint_certificate(der.p, der.n, r->kind, NULL), SN_ECERT);
	}
}

static void test_signature_algorithms_are_ours_with_their_parameters(
    void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]);
	     i++) {
		struct der_bytes der = { .n = 0 };
		struct lint l = { .count = 0 };

		der_text(algorithms[i].algorithm, &der);
		lint_algorithm(&l, der_over(der.p, der.n));
		if (algorithms[i].says != NULL)
			expect(&l, algorithms[i].says, 1);
		else
			assert_int_equal(l.count, 0);
	}
}

static void test_times_from_2050_are_generalized(void **state)
{
	struct der_bytes der;

	(void)state;
	build(KIND_ROOT, VALIDITY,
	    TIMES(UTC("260101000000Z"), GENERAL("20500101000000Z")), &der);
	assert_int_equal(
	    lint_certificate(der.p, der.n, KIND_ROOT, NULL), SN_OK);
}

static void test_issuers_may_have_name_constraints(void **state)
{
	struct der_bytes der;

	(void)state;
	build(KIND_ISSUER, CONSTRAINTS, EXT("1e", TRUE, "30{}"), &der);
	assert_int_equal(
	    lint_certificate(der.p, der.n, KIND_ISSUER, NULL), SN_OK);
}

/* Neither a part of a certificate nor one with a flipped bit may fault the
 * linter; a part is never right. */
static void test_prefixes_and_flipped_bits_are_borne(void **state)
{
	struct der_bytes der;

	(void)state;
	build(KIND_SERVER, PARTS, NULL, &der);
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, der.p, n);
		assert_int_equal(
		    lint_certificate(cut, n, KIND_SERVER, NULL), SN_ECERT);
		free(cut);
	}
	for (size_t bit = 0; bit < 8 * der.n; bit++) {
		struct lint l = { .count = 0 };

		der.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		lint_examine(der.p, der.n, KIND_SERVER, &l);
		der.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_good_certificate_of_each_kind_breaks_no_rule),
		cmocka_unit_test(test_each_rule_is_broken_alone),
		cmocka_unit_test(
		    test_signature_algorithms_are_ours_with_their_parameters),
		cmocka_unit_test(test_times_from_2050_are_generalized),
		cmocka_unit_test(test_issuers_may_have_name_constraints),
		cmocka_unit_test(test_prefixes_and_flipped_bits_are_borne),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
