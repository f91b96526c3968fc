#include "ca/leaf.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/book.h"
#include "ca/head.h"
#include "ca/ssl.h"

enum sn_err leaf_destination(
    const struct leaf *leaf, char out[PATH_BYTES], struct sn_why *why)
{
	char cwd[PATH_MAX];
	int n;

	if (leaf->out == NULL && leaf->kind == KIND_SERVER)
		n = snprintf(out, PATH_BYTES, "servers/%s", leaf->name);
	else if (leaf->out == NULL)
		n = snprintf(
		    out, PATH_BYTES, "people/%s/%s", leaf->name, leaf->label);
	else if (leaf->out[0] == '/')
		n = snprintf(out, PATH_BYTES, "%s", leaf->out);
	else if (getcwd(cwd, sizeof(cwd)) != NULL)
		n = snprintf(out, PATH_BYTES, "%s/%s", cwd, leaf->out);
	else
		return (sn_why_errno(why, SN_EIO, "cannot tell where we are"));
	if (n >= PATH_BYTES - 64)
		return (sn_why(why, SN_EINVAL, "path too long: %s", out));
	return (SN_OK);
}

static enum sn_err pkcs12(
    const struct leaf *leaf, const struct key *key, struct sn_why *why)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	char name[NAME_BYTES + LABEL_BYTES + 4];
	enum sn_err err;

	if (chain == NULL || sk_X509_push(chain, leaf->issued.issuer) <= 0) {
		sk_X509_free(chain);
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	}
	(void)snprintf(name, sizeof(name), "%s (%s)", leaf->name, leaf->label);
	err = key_pkcs12(key, leaf->issued.certificate, chain,
	    leaf->p12_password, name, leaf->p12_compat, leaf->p12, why);
	sk_X509_free(chain);
	return (err);
}

static enum sn_err write_files(struct authority *a, struct leaf *leaf,
    const struct key *key, struct sn_why *why)
{
	char serial[SERIAL_TEXT];
	struct sn_why inner;
	enum sn_err err;

	head_note(a);
	err = deliver(
	    a, &leaf->issued, key, leaf->key_passphrase, leaf->folder, &inner);
	if (err == SN_OK && leaf->p12 != NULL)
		err = pkcs12(leaf, key, &inner);
	if (err == SN_OK)
		return (book_delivered(a, &leaf->issued.rec, why));
	(void)sn_why(why, err,
	    "certificate %s is in the books, but its files could not be "
	    "written (%.250s); mend that and run sicher-ca check",
	    sn_bytes_hex(leaf->issued.rec.serial, SERIAL_BYTES, serial),
	    inner.text);
	return (err);
}

enum sn_err leaf_make(struct authority *a, struct leaf *leaf,
    const struct key *signer, uint32_t issuer, struct sn_why *why)
{
	char to[PATH_BYTES];
	struct key *key = NULL;
	struct spki spki = leaf->request;
	bool has_key = spki.n == 0;
	struct order order = {
		.kind = leaf->kind,
		.name = leaf->name,
		.label = leaf->label,
		.profile = leaf->profile,
		.days = leaf->days,
		.key = &spki,
		.has_key = has_key,
		.replaces = leaf->replaces,
		.renews = leaf->renews,
		.keep_old = leaf->keep_old,
		.old = leaf->old,
		.sans = leaf->sans,
		.san_count = leaf->san_count,
		.to = to,
	};
	enum sn_err err;

	if ((err = leaf_destination(leaf, to, why)) != SN_OK)
		return (err);
	if (has_key &&
	    ((err = key_generate(leaf->profile->key, &key, why)) != SN_OK ||
		(err = spki_of(key_public(key), &spki, why)) != SN_OK))
		goto out;
	/* Refused, it leaves no empty folder; and without a folder, no
	 * certificate. */
	if ((err = issue_ready(a, &order, issuer, why)) != SN_OK ||
	    (err = deliver_folder(a, to, leaf->folder, why)) != SN_OK)
		goto out;
	err = issue(a, &order, signer, issuer, &leaf->issued, why);
	if (err == SN_OK && (err = write_files(a, leaf, key, why)) != SN_OK)
		issue_free(&leaf->issued);
out:
	key_free(key);
	return (err);
}
