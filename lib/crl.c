#include "lib/crl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/clock.h"

#define LISTS_MAX 64
/* An authority that ends has no list any more, by its own clock. */
#define ENDING_S (24 * 60 * 60)

struct entry {
	uint8_t serial[SN_CERT_SERIAL];
};

struct list {
	struct sn_crl_info info; /* First: the info is the list to outsiders. */
	uint8_t digest[32];
	struct entry *entries; /* Sorted. */
};

struct sn_crl_set {
	size_t count;
	struct list lists[LISTS_MAX];
};

static int compare(const void *a, const void *b)
{
	return (memcmp(a, b, SN_CERT_SERIAL));
}

/* Complete, of version 2, with nothing critical that is not understood. */
static enum sn_err check_form(X509_CRL *crl, struct sn_why *why)
{
	if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2)
		return (sn_why(
		    why, SN_EINVAL, "the revocation list is not of version 2"));
	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0 ||
	    X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >=
		0)
		return (sn_why(why, SN_EINVAL,
		    "the revocation list is a delta or a part of one, and a "
		    "complete one is needed"));
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
			return (sn_why(why, SN_EINVAL,
			    "the revocation list has a critical extension "
			    "that is not known here"));
	}
	return (SN_OK);
}

static enum sn_err read_number(X509_CRL *crl, uint64_t *out, struct sn_why *why)
{
	ASN1_INTEGER *number =
	    X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	int ok = number != NULL && ASN1_INTEGER_get_uint64(out, number);

	ASN1_INTEGER_free(number);
	if (ok)
		return (SN_OK);
	return (sn_why(why, SN_EINVAL,
	    "the revocation list has no number that can be read"));
}

static enum sn_err read_times(
    X509_CRL *crl, struct sn_crl_info *info, struct sn_why *why)
{
	if (sn_cert_time(X509_CRL_get0_lastUpdate(crl), &info->this_update) !=
		SN_OK ||
	    sn_cert_time(X509_CRL_get0_nextUpdate(crl), &info->next_update) !=
		SN_OK)
		return (sn_why(why, SN_EINVAL,
		    "the revocation list does not say when the next one "
		    "comes, or when it was made"));
	if (info->this_update > info->next_update)
		return (sn_why(why, SN_EINVAL,
		    "the revocation list ends before it begins"));
	return (SN_OK);
}

static int may_sign(X509 *issuer)
{
	uint32_t usage = X509_get_key_usage(issuer);

	return (usage == UINT32_MAX || (usage & KU_CRL_SIGN) != 0);
}

/* Two CAs may share a name: the signature says which of them it was. */
static X509 *find_issuer(X509_CRL *crl, const STACK_OF(X509) * issuers)
{
	for (int i = 0; i < sk_X509_num(issuers); i++) {
		X509 *ca = sk_X509_value(issuers, i);

		ERR_clear_error();
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
			X509_get_subject_name(ca)) == 0 &&
		    may_sign(ca) &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			return (ca);
	}
	ERR_clear_error();
	return (NULL);
}

static enum sn_err check_signature(X509_CRL *crl, struct list *list,
    const STACK_OF(X509) * issuers, struct sn_why *why)
{
	X509 *issuer = find_issuer(crl, issuers);
	int digest = NID_undef, key = NID_undef;

	if (issuer == NULL)
		return (sn_why(why, SN_ECERT,
		    "the revocation list of %s is not signed by an authority "
		    "that is trusted here (foreign, damaged or forged)",
		    list->info.name));
	(void)OBJ_find_sigid_algs(
	    X509_CRL_get_signature_nid(crl), &digest, &key);
	if (digest != NID_sha256 && digest != NID_sha384 &&
	    digest != NID_sha512 && key != NID_ED25519)
		return (sn_why(why, SN_ECERT,
		    "the revocation list of %s is signed with %s, and "
		    "SHA-256, SHA-384, SHA-512 or Ed25519 is required",
		    list->info.name,
		    OBJ_nid2ln(X509_CRL_get_signature_nid(crl))));
	sn_cert_issuer(issuer, list->info.issuer);
	return (SN_OK);
}

static int entry_is_plain(X509_REVOKED *revoked)
{
	for (int i = 0; i < X509_REVOKED_get_ext_count(revoked); i++) {
		if (X509_EXTENSION_get_critical(
			X509_REVOKED_get_ext(revoked, i)))
			return (0);
	}
	return (1);
}

static enum sn_err flatten(X509_CRL *crl, struct list *list, struct sn_why *why)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	int n = all != NULL ? sk_X509_REVOKED_num(all) : 0;

	if (n == 0)
		return (SN_OK);
	if ((list->entries = calloc((size_t)n, sizeof(struct entry))) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	for (int i = 0; i < n; i++) {
		X509_REVOKED *r = sk_X509_REVOKED_value(all, i);

		if (!entry_is_plain(r))
			return (sn_why(why, SN_EINVAL,
			    "entry %d of the revocation list has a critical "
			    "extension that is not known here",
			    i + 1));
		if (sn_cert_serial(X509_REVOKED_get0_serialNumber(r),
			list->entries[i].serial) != SN_OK)
			return (sn_why(why, SN_EINVAL,
			    "entry %d of the revocation list has a serial "
			    "number that no certificate can have",
			    i + 1));
	}
	qsort(list->entries, (size_t)n, sizeof(struct entry), compare);
	list->info.revoked = (size_t)n;
	return (SN_OK);
}

/* Not older than the one in force, and not past its time. */
static enum sn_err check_order(const struct list *list,
    const struct sn_crl_set *previous, int64_t now, struct sn_why *why)
{
	const struct sn_crl_info *old;
	char when[SN_CLOCK_TEXT];

	if (previous == NULL)
		return (SN_OK);
	old = sn_crl_find(previous, list->info.issuer);
	if (old != NULL) {
		const struct list *had = (const struct list *)old;

		if (memcmp(had->digest, list->digest, 32) == 0)
			return (SN_OK);
		if (list->info.number < old->number)
			return (sn_why(why, SN_EINVAL,
			    "the revocation list of %s has the number %llu, "
			    "and %llu is in force already",
			    list->info.name,
			    (unsigned long long)list->info.number,
			    (unsigned long long)old->number));
		if (list->info.number == old->number)
			return (sn_why(why, SN_EINVAL,
			    "another revocation list of %s with the same "
			    "number %llu is in force already",
			    list->info.name, (unsigned long long)old->number));
	}
	if (list->info.next_update < now)
		return (sn_why(why, SN_EEXPIRED,
		    "the revocation list of %s ended %s; publish a new one",
		    list->info.name,
		    sn_clock_rfc3339(list->info.next_update, when)));
	return (SN_OK);
}

static enum sn_err add_list(struct sn_crl_set *set, X509_CRL *crl,
    const STACK_OF(X509) * issuers, const struct sn_crl_set *previous,
    int64_t now, struct sn_why *why)
{
	struct list *list = &set->lists[set->count];
	unsigned n;
	enum sn_err err;

	if (set->count == LISTS_MAX)
		return (sn_why(why, SN_EINVAL, "more than %d revocation lists",
		    LISTS_MAX));
	(void)sn_cert_name(X509_CRL_get_issuer(crl), list->info.name);
	if (!X509_CRL_digest(crl, EVP_sha256(), list->digest, &n))
		return (sn_why(why, SN_ECRYPTO, "cannot digest a list"));
	if ((err = check_form(crl, why)) != SN_OK ||
	    (err = read_number(crl, &list->info.number, why)) != SN_OK ||
	    (err = read_times(crl, &list->info, why)) != SN_OK ||
	    (err = check_signature(crl, list, issuers, why)) != SN_OK ||
	    (err = check_order(list, previous, now, why)) != SN_OK)
		return (err);
	if (sn_crl_find(set, list->info.issuer) != NULL)
		return (sn_why(why, SN_EINVAL,
		    "there are two revocation lists of %s", list->info.name));
	set->count++;
	return (flatten(crl, list, why));
}

/* A file cut between two lists reads as a good one with fewer of them. */
static enum sn_err check_complete(const struct sn_crl_set *set,
    const STACK_OF(X509) * issuers, const struct sn_crl_set *previous,
    int64_t now, struct sn_why *why)
{
	for (int i = 0; i < sk_X509_num(issuers); i++) {
		const X509 *ca = sk_X509_value(issuers, i);
		const struct sn_crl_info *had;
		uint8_t id[SN_CERT_ISSUER];
		int64_t end;

		sn_cert_issuer(ca, id);
		if ((had = sn_crl_find(previous, id)) == NULL ||
		    sn_crl_find(set, id) != NULL ||
		    sn_cert_time(X509_get0_notAfter(ca), &end) != SN_OK ||
		    end < now + ENDING_S)
			continue;
		return (sn_why(why, SN_EINVAL,
		    "there is no revocation list of %s any more, and one is "
		    "in force: the file is cut, or tls.authority names a CA "
		    "that is no more to be trusted",
		    had->name));
	}
	return (SN_OK);
}

static X509_CRL *of_der(const unsigned char *der, long len)
{
	const unsigned char *p = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, len);

	if (crl != NULL && p != der + len) {
		X509_CRL_free(crl);
		return (NULL);
	}
	return (crl);
}

/* The next CRL: 1, at the end 0, -1 when it is broken. */
static int next_pem(BIO *in, X509_CRL **out)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	int is_crl;

	*out = NULL;
	ERR_clear_error();
	if (!PEM_read_bio(in, &name, &header, &data, &len)) {
		unsigned long e = ERR_peek_last_error();

		ERR_clear_error();
		return (ERR_GET_REASON(e) == PEM_R_NO_START_LINE ? 0 : -1);
	}
	is_crl = strcmp(name, PEM_STRING_X509_CRL) == 0;
	if (is_crl)
		*out = of_der(data, len);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)len);
	ERR_clear_error();
	return (is_crl && *out == NULL ? -1 : 1);
}

static enum sn_err read_pem(struct sn_crl_set *set, struct sn_bytes lists,
    const STACK_OF(X509) * issuers, const struct sn_crl_set *previous,
    int64_t now, struct sn_why *why)
{
	BIO *in = BIO_new_mem_buf(lists.p, (int)lists.n);
	enum sn_err err = SN_OK;
	X509_CRL *crl;
	int more = 1;

	if (in == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	while (err == SN_OK && (more = next_pem(in, &crl)) > 0) {
		if (crl != NULL)
			err = add_list(set, crl, issuers, previous, now, why);
		X509_CRL_free(crl);
	}
	BIO_free(in);
	if (err == SN_OK && more < 0)
		err = sn_why(why, SN_EINVAL,
		    "revocation list %zu in the text cannot be read: it is "
		    "cut or damaged",
		    set->count + 1);
	if (err == SN_OK && set->count == 0)
		err = sn_why(why, SN_EINVAL,
		    "there is no revocation list in the text (expected "
		    "-----BEGIN X509 CRL-----)");
	return (err);
}

static enum sn_err read_der(struct sn_crl_set *set, struct sn_bytes lists,
    const STACK_OF(X509) * issuers, const struct sn_crl_set *previous,
    int64_t now, struct sn_why *why)
{
	X509_CRL *crl;
	enum sn_err err;

	ERR_clear_error();
	crl = of_der(lists.p, (long)lists.n);
	ERR_clear_error();
	if (crl == NULL)
		return (sn_why(why, SN_EINVAL,
		    "the revocation list cannot be read: it is cut or "
		    "damaged"));
	err = add_list(set, crl, issuers, previous, now, why);
	X509_CRL_free(crl);
	return (err);
}

enum sn_err sn_crl_read(struct sn_bytes lists, const STACK_OF(X509) * issuers,
    const struct sn_crl_set *previous, int64_t now, struct sn_crl_set **out,
    struct sn_why *why)
{
	struct sn_crl_set *set = calloc(1, sizeof(*set));
	enum sn_err err;

	if (set == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if (lists.n > 0 && *(const uint8_t *)lists.p == 0x30)
		err = read_der(set, lists, issuers, previous, now, why);
	else
		err = read_pem(set, lists, issuers, previous, now, why);
	if (err == SN_OK && previous != NULL)
		err = check_complete(set, issuers, previous, now, why);
	if (err != SN_OK) {
		sn_crl_free(set);
		return (err);
	}
	*out = set;
	return (SN_OK);
}

void sn_crl_free(struct sn_crl_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < LISTS_MAX; i++)
		free(set->lists[i].entries);
	free(set);
}

const struct sn_crl_info *sn_crl_find(
    const struct sn_crl_set *set, const uint8_t issuer[SN_CERT_ISSUER])
{
	for (size_t i = 0; i < set->count; i++) {
		if (memcmp(set->lists[i].info.issuer, issuer, SN_CERT_ISSUER) ==
		    0)
			return (&set->lists[i].info);
	}
	return (NULL);
}

const struct sn_crl_info *sn_crl_at(const struct sn_crl_set *set, size_t i)
{
	return (i < set->count ? &set->lists[i].info : NULL);
}

bool sn_crl_revoked(
    const struct sn_crl_info *info, const uint8_t serial[SN_CERT_SERIAL])
{
	const struct list *list = (const struct list *)info;

	return (list->entries != NULL &&
		bsearch(serial, list->entries, list->info.revoked,
		    sizeof(struct entry), compare) != NULL);
}
