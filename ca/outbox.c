#include "ca/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>

#include "ca/crl.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"
#include "lib/clock.h"
#include "lib/file.h"

/* A CA past its end has no list any more; it is trusted a while longer, so
 * that no server meets its list without it. */
#define TRUST_AFTER_END (INT64_C(30) * 86400)

typedef enum sn_err append_fn(
    struct sn_txn *, const struct issuer *, const struct record *, BIO *);

static enum sn_err append_crl(struct sn_txn *txn, const struct issuer *i,
    const struct record *rec, BIO *bio)
{
	X509_CRL *crl;
	enum sn_err err;

	(void)rec;
	if ((err = crl_kept(txn, i->id, &crl)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	err = ssl_pem_crl(bio, crl);
	X509_CRL_free(crl);
	return (err);
}

static enum sn_err append_certificate(struct sn_txn *txn,
    const struct issuer *i, const struct record *rec, BIO *bio)
{
	enum sn_err err;
	X509 *x;

	(void)txn;
	(void)i;
	if ((err = ssl_certificate(rec->der, &x, NULL)) != SN_OK)
		return (SN_ECORRUPT);
	err = ssl_pem_certificate(bio, x);
	X509_free(x);
	return (err);
}

static enum sn_err append_one(struct sn_txn *txn, const struct issuer *i,
    int64_t since, append_fn *append, BIO *bio)
{
	struct record rec;
	enum sn_err err;

	if ((err = issuer_record(txn, i, &rec)) != SN_OK)
		return (err);
	if (rec.not_after < since && i->id != ISSUER_ROOT)
		return (SN_OK);
	return (append(txn, i, &rec, bio));
}

/* Issuing CAs first, the root last, as a chain is read; none that ended
 * before ${since}. */
static enum sn_err append_all(
    struct sn_txn *txn, int64_t since, append_fn *append, BIO *bio)
{
	struct issuer i;
	enum sn_err err;

	for (uint32_t id = 1; (err = issuer_from(txn, id, &i)) == SN_OK;
	     id = i.id + 1)
		if ((err = append_one(txn, &i, since, append, bio)) != SN_OK)
			return (err);
	if (err != SN_ENOTFOUND ||
	    (err = issuer_get(txn, ISSUER_ROOT, &i)) != SN_OK)
		return (err);
	return (append_one(txn, &i, since, append, bio));
}

static bool same_as_file(BIO *bio, const char *path)
{
	char *now, *text;
	long n = BIO_get_mem_data(bio, &text);
	size_t have;
	bool same;

	if (sn_file_read(path, (size_t)n, &now, &have, NULL) != SN_OK)
		return (false);
	same = have == (size_t)n && memcmp(now, text, have) == 0;
	free(now);
	return (same);
}

static enum sn_err write_all(const struct authority *a, append_fn *append,
    int64_t since, const char *path, struct sn_why *why)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct sn_txn *txn;
	enum sn_err err;

	if (bio == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if ((err = sn_txn_read(a->store, &txn)) == SN_OK) {
		err = append_all(txn, since, append, bio);
		sn_txn_abort(txn);
	}
	if (err != SN_OK)
		err = inventory_why(
		    a->store, err == SN_ENOTFOUND ? SN_ECORRUPT : err, why);
	else if (!same_as_file(bio, path))
		err = ssl_write_bio(bio, path, 0644, why);
	BIO_free(bio);
	return (err);
}

enum sn_err outbox_trust(
    const struct authority *a, const char *path, struct sn_why *why)
{
	return (write_all(a, append_certificate,
	    sn_clock_wall_s() - TRUST_AFTER_END, path, why));
}

/* sicherd may read the copy beside its own certificate. */
static enum sn_err trust_of_servers(
    const struct authority *a, struct sn_why *why)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	enum sn_err err = SN_OK;
	DIR *d = opendir(authority_path(a, path, "servers"));

	if (d == NULL)
		return (errno == ENOENT ? SN_OK
					: sn_why_errno(why, SN_EIO,
					      "cannot read %s", path));
	while (err == SN_OK && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		authority_path(a, path, "servers/%s/ca.pem", entry->d_name);
		if (access(path, F_OK) == 0)
			err = outbox_trust(a, path, why);
	}
	(void)closedir(d);
	return (err);
}

enum sn_err outbox_publish(const struct authority *a, struct sn_why *why)
{
	char path[PATH_BYTES];
	enum sn_err err;

	/* Nothing leaves before it is known to have been. */
	head_note(a);
	if ((err = trust_of_servers(a, why)) != SN_OK ||
	    (err = outbox_trust(a, authority_path(a, path, "ca.pem"), why)) !=
		SN_OK)
		return (err);
	return (write_all(a, append_crl, sn_clock_wall_s(),
	    authority_path(a, path, "crl.pem"), why));
}
